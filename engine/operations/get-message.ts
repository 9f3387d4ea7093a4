/** Reads one message by id, without receiving it. */
import type { Message } from '../../sdk/contract.ts';
import { readContents } from '../contents.ts';
import type { Context } from '../context.ts';
import { findMessage } from '../find.ts';
import { incarnationOf } from '../shards.ts';
import { verdictOf, verdictOfAge } from '../verdicts.ts';
import { freshMessage, leasedMessage } from '../views.ts';
import { messageNotFound } from './by-message.ts';

export async function getMessage(ctx: Context, queueName: string, id: string): Promise<Message> {
  const missing = messageNotFound(queueName, id);
  const queue = await ctx.settings.get(queueName);
  const found = await findMessage(ctx, queue, id);
  if (!found) throw missing;
  const now = ctx.clock.now();
  const [contents] = await readContents(ctx.store, ['parcel' in found ? found.parcel.contents : found.lease.contents]);
  const content = contents?.[found.slot];
  if (!content) throw missing;
  if ('parcel' in found) {
    const { parcel, slot } = found;
    if (verdictOfAge(queue, parcel.since, parcel.expiresAt, now) === 'gone') throw missing;
    return freshMessage(queueName, parcel, slot, content, found.group?.name);
  }
  const { lease, slot } = found;
  const holder =
    incarnationOf(lease.shard) === queue.incarnation ? queue : await ctx.settings.byIncarnation(incarnationOf(lease.shard));
  // It left this queue for another: only its origin, and those that hold it, may show it.
  const isOurs =
    holder && (holder.name === queueName || lease.death?.queue === queueName || isOwnedBy(lease.id, queue.incarnation));
  const isPurged = holder && lease.since < holder.purgedBefore;
  if (!isOurs || isPurged || verdictOf(holder, lease, lease.slots[slot]!, now) === 'gone') throw missing;
  return leasedMessage(holder.name, lease, slot, content, now);
}

function isOwnedBy(rowId: string, incarnation: string): boolean {
  return rowId.startsWith(`${incarnation}=`);
}
