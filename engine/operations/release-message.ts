/**
 * Releases a leased message by its id, without its receipt: the lease ends, and its holder's ack, release or extend is refused with
 * `lease_lost`. A message that is not leased stays as it is, so a repeat changes nothing.
 */
import type { InputOf, OutputOf } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import type { Context } from '../context/context.ts';
import { decodeSnapshot, retryOnConflict } from '../leases/lease-store.ts';
import { verdictOf, verdictOfAge } from '../lifecycle/verdicts.ts';
import { type Found, findMessage } from '../messages/find.ts';
import { liveSlot } from '../messages/live-slot.ts';
import { stateOf } from '../messages/message-view.ts';
import { parcelAt } from '../model/held-parcels.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { returnPermitsOf } from '../permits/limiter.ts';
import { markOf } from '../permits/permits.ts';
import { messageNotFound, searchesMax } from './messages.ts';
import { releaseSlots } from './release.ts';

type Output = OutputOf<'releaseMessage'>;

/** Throws DumbwaiterError `message_not_found`, `message_prepared`. */
export async function releaseMessage(
  ctx: Context,
  queueName: string,
  id: string,
  input: InputOf<'releaseMessage'>,
): Promise<Output> {
  const queue = await ctx.settings.get(queueName);
  for (let search = 0; search < searchesMax; search++) {
    const found = await findMessage(ctx, queue, id);
    if (!found) break;
    if ('parcel' in found) {
      const { since, visibleAt = since, retentionEnd } = found.parcel;
      if (verdictOfAge(queue, since, retentionEnd, ctx.clock.now()) === 'gone') break;
      return visible(visibleAt);
    }
    const outcome = await releaseIn(ctx, queue, found, input);
    if (outcome === 'prepared')
      throw new DumbwaiterError('message_prepared', `id: the message "${id}" is prepared; commit it or roll it back`);
    if (outcome === 'gone') break;
    if (outcome !== 'moved') return outcome;
  }
  throw messageNotFound(queueName, id);
}

async function releaseIn(
  ctx: Context,
  queue: QueueRecord,
  found: Extract<Found, { lease: unknown }>,
  { delaySeconds, receives }: InputOf<'releaseMessage'>,
): Promise<Output | 'moved' | 'gone' | 'prepared'> {
  const { slot } = found;
  let ended: { rowId: string; slot: number; token: string } | undefined;
  const outcome = await retryOnConflict<Output | 'moved' | 'gone' | 'prepared'>(ctx, found.seen, async (seen) => {
    const now = ctx.clock.now();
    const live = liveSlot(queue, found, decodeSnapshot(seen, now).lease);
    if (typeof live === 'string') return { done: live };
    const { lease, there } = live;
    if (verdictOf(queue, parcelAt(lease, slot), there, now) === 'gone') return { done: 'gone' };
    const state = stateOf(lease, slot, now);
    if (state === 'prepared') return { done: state };
    // Another receive holds the message: the lease that the caller means has ended.
    const isMeant = receives === undefined || receives === there.receives;
    if (state !== 'leased' || !isMeant) return { done: visible(there.visibleAt) };
    const terms = delaySeconds === undefined ? {} : { delaySeconds };
    const { released, seen: after } = await releaseSlots(ctx, queue, { seen, lease, slots: [slot] }, terms);
    const result = released.get(slot);
    if (!result) return { seen: after };
    ended = { rowId: lease.id, slot, token: there.token! };
    return { done: 'visibleAt' in result ? { visibleAt: result.visibleAt } : { deadLettered: true } };
  });
  if (ended) await returnPermitsOf(ctx, queue, [markOf(ended)]);
  return outcome;
}

function visible(at: number): Output {
  return { visibleAt: new Date(at).toISOString() };
}
