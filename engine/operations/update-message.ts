/** Changes a waiting message by id: its due time, priority or content. A parcel in `messages` is first moved to `leases`. */
import type { MessageChanges, OutputOf } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import type { Context } from '../context/context.ts';
import type { Snapshot } from '../leases/lease-store.ts';
import { verdictOfAge } from '../lifecycle/verdicts.ts';
import { changeWaiting, type WaitingChange } from '../messages/edit-waiting.ts';
import { findMessage } from '../messages/find.ts';
import { moveToLeases } from '../messages/move-to-leases.ts';
import type { Content } from '../model/content-codec.ts';
import { refusalIn, requestedTiming } from '../publish/pending.ts';
import { leasedNow, messageNotFound } from './message-errors.ts';

/** How often to search again for a message that moves during the call. */
const searchesMax = 5;

/**
 * Returns the instant from which the message can be received.
 * Throws DumbwaiterError `invalid_input`, `message_not_found`, `message_leased`, `message_prepared`.
 */
export async function updateMessage(
  ctx: Context,
  queueName: string,
  id: string,
  changes: MessageChanges,
): Promise<OutputOf<'updateMessage'>> {
  const queue = await ctx.settings.get(queueName);
  const refused = refusalIn(queue, changes, ctx.clock.now());
  if (refused !== undefined) throw new DumbwaiterError('invalid_input', refused);
  for (let search = 0; search < searchesMax; search++) {
    const found = await findMessage(ctx, queue, id);
    if (!found) break;
    if ('parcel' in found ? found.group : found.lease.kind === 'group') {
      throw new DumbwaiterError(
        'invalid_input',
        `id: the message "${id}" keeps its place in its group; cancel it and publish it again`,
      );
    }
    let first: Snapshot;
    if ('parcel' in found) {
      const { parcel } = found;
      if (verdictOfAge(queue, parcel.since, parcel.retentionEnd, ctx.clock.now()) !== 'ready') break;
      first = (await moveToLeases(ctx, queue, found)).seen;
    } else {
      first = found.seen;
    }
    const outcome = await changeWaiting(ctx, queue, first, found.slot, changeOf(changes));
    if (outcome === 'leased') throw leasedNow(id, 'only a waiting message can be changed');
    if (outcome === 'prepared')
      throw new DumbwaiterError('message_prepared', `id: the message "${id}" is prepared; commit it or roll it back`);
    if (typeof outcome === 'object') return { id, visibleAt: new Date(outcome.visibleAt).toISOString() };
    if (outcome === 'gone') break;
  }
  throw messageNotFound(queueName, id);
}

function changeOf(changes: MessageChanges): WaitingChange {
  const timing = requestedTiming(changes);
  return {
    ...(timing ? { timing } : {}),
    ...(changes.priority === undefined ? {} : { level: changes.priority }),
    ...(hasContent(changes) ? { changeContent: (content) => contentAfter(content, changes) } : {}),
  };
}

function hasContent({ content, attributes }: MessageChanges): boolean {
  return content !== undefined || attributes !== undefined;
}

function contentAfter({ attributes: former, ...body }: Content, { content, attributes = former }: MessageChanges): Content {
  return { ...(content ?? body), ...(attributes === undefined ? {} : { attributes }) };
}
