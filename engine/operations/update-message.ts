/**
 * Changes a message that waits: when it comes, its priority, its content. Alone in its row of `leases` it is changed by one conditional
 * write; one that shares its row leaves it for a row of its own, in one transaction; a parcel in `messages` is put into `leases` before.
 */
import type { MessageChanges, OutputOf } from '../../sdk/contract.ts';
import { DumbwaiterError } from '../../sdk/errors.ts';
import { adopt } from '../adopt.ts';
import type { Content } from '../contents.ts';
import type { Context } from '../context.ts';
import { findMessage } from '../find.ts';
import { judgeable, type Seen, untilSettled } from '../lease-writes.ts';
import { type Departure, depart } from '../moves.ts';
import { visibleAtOf } from '../publish-parcels.ts';
import { refusalIn, timingOf } from '../publish-terms.ts';
import { isLive, type Lease, type Slot } from '../rows.ts';
import { expiryOf, type QueueRecord } from '../settings.ts';
import { verdictOf, verdictOfAge } from '../settle.ts';
import { incarnationOf, levelOf, shardKey, shardNumberOf } from '../shards.ts';
import { stateOf } from '../views.ts';
import { leasedNow, messageNotFound } from './by-message.ts';

/** How often to look for a message that moves while it is to be changed. */
const looksMax = 5;

/** Throws DumbwaiterError `invalid_input`, `message_not_found`, `message_leased`. Answers when the message comes. */
export async function updateMessage(
  ctx: Context,
  queueName: string,
  id: string,
  changes: MessageChanges,
): Promise<OutputOf<'updateMessage'>> {
  const queue = await ctx.settings.get(queueName);
  const refused = refusalIn(queue, changes, ctx.clock.now());
  if (refused !== undefined) throw new DumbwaiterError('invalid_input', refused);
  for (let look = 0; look < looksMax; look++) {
    const found = await findMessage(ctx, queue, id);
    if (!found) break;
    let first: Seen;
    if ('parcel' in found) {
      const { parcel } = found;
      if (verdictOfAge(queue, parcel.since, parcel.expiresAt, ctx.clock.now()) !== 'ready') break;
      first = (await adopt(ctx, queue, found)).seen;
    } else {
      first = found.seen;
    }
    const outcome = await changeIn(ctx, queue, first, found.slot, changes);
    if (outcome === 'leased') throw leasedNow(id, 'only what waits can be changed');
    if (typeof outcome === 'object') return { id, visibleAt: new Date(outcome.visibleAt).toISOString() };
    if (outcome === 'gone') break;
  }
  throw messageNotFound(queueName, id);
}

type Change = { visibleAt: number } | 'leased' | 'gone' | 'moved';

function changeIn(ctx: Context, queue: QueueRecord, first: Seen, slot: number, changes: MessageChanges): Promise<Change> {
  // By the version of the row that each try puts: an answer may be lost.
  const tried = new Map<string, { visibleAt: number }>();
  return untilSettled<Change>(ctx, first, async (seen) => {
    const mine = seen.row && tried.get(seen.row.version as string);
    if (mine) return { done: mine };
    const now = ctx.clock.now();
    const { lease } = judgeable(seen, now);
    const there = lease?.slots[slot];
    if (there?.end === 'moved') return { done: 'moved' };
    if (!lease || !there || !isLive(there) || incarnationOf(lease.shard) !== queue.incarnation) return { done: 'gone' };
    if (stateOf(lease, there, now) === 'leased') return { done: 'leased' };
    const verdict = verdictOf(queue, lease, there, now);
    if (verdict !== 'ready' && verdict !== 'held') return { done: 'gone' };
    const departure = changed(ctx, queue, { seen, lease, slot, now }, changes);
    const outcome = { visibleAt: departure.slotOf(there).visibleAt };
    tried.set(departure.row.version, outcome);
    const moved = await depart(ctx, departure);
    if (!moved.applied) return { seen: moved.seen };
    ctx.wakeups.wake(queue.name);
    return { done: outcome };
  });
}

function changed(
  ctx: Context,
  queue: QueueRecord,
  { seen, lease, slot, now }: { seen: Seen; lease: Lease; slot: number; now: number },
  changes: MessageChanges,
): Departure {
  const timing = timingOf(changes);
  const visibleAt = timing && visibleAtOf(timing, now);
  const level = changes.priority ?? levelOf(lease.shard);
  const expiresAt = visibleAt === undefined ? lease.expiresAt : expiryOf(queue, visibleAt);
  return {
    seen,
    lease,
    slots: [slot],
    row: {
      shard: shardKey(queue, shardNumberOf(lease.shard), level),
      version: ctx.newVersion(),
      since: lease.since,
      ...(lease.publishedAt === undefined ? {} : { publishedAt: lease.publishedAt }),
      ...(expiresAt === undefined ? {} : { expiresAt }),
      ...(lease.death ? { death: lease.death } : {}),
      ...(queue.deadLetter ? { maxReceives: queue.deadLetter.maxReceives } : {}),
    },
    slotOf: (former) => waitingSlot(former, visibleAt),
    ...(hasContent(changes) ? { contentOf: (content) => contentAfter(content, changes) } : {}),
    target: queue,
  };
}

/** Whoever held it and let the lease expire does so no more: a failure that nobody told. */
function waitingSlot(slot: Slot, visibleAt = slot.visibleAt): Slot {
  const { token, leasedUntil: _, ...rest } = slot;
  return { ...rest, visibleAt, failures: slot.failures + (token === undefined ? 0 : 1) };
}

function hasContent({ body, bodyBase64, attributes }: MessageChanges): boolean {
  return body !== undefined || bodyBase64 !== undefined || attributes !== undefined;
}

function contentAfter(content: Content, { body, bodyBase64, attributes }: MessageChanges): Content {
  const kept = attributes ?? content.attributes;
  const others = kept === undefined ? {} : { attributes: kept };
  if (body !== undefined) return { body, ...others };
  if (bodyBase64 !== undefined) return { bodyBase64, ...others };
  return { ...content, ...others };
}
