/**
 * Deletes a queue and its messages. One transaction moves its record to the deleted queues. The messages can then no longer be
 * reached, because a new queue of that name has its own shards. The sweep removes the rows later.
 */
import { DumbwaiterError } from '../../contract/errors.ts';
import type { Context } from '../context/context.ts';
import { deletedKey, type QueueRecord, queueKey, queueRow, readQueue } from '../model/queue-record.ts';
import { StoreError } from '../port/port.ts';
import { untilDone } from '../port/until-done.ts';

export async function deleteQueue(ctx: Context, name: string): Promise<object> {
  const first = await ctx.settings.read(name);
  ctx.settings.forget(name);
  const user = (await ctx.settings.list()).find((other) => other.deadLetter?.queue === name && other.name !== name);
  if (user) throw new DumbwaiterError('queue_in_use', `queue: "${name}" is the dead-letter queue of "${user.name}"`);
  return untilDone<QueueRecord | undefined, object>(`the settings of "${name}"`, first, async (record) => {
    // A concurrent call deleted the queue.
    if (record?.incarnation !== first.incarnation) {
      throw new DumbwaiterError('queue_not_found', `queue: there is no queue "${name}"`);
    }
    return moveOutOfSight(ctx, record);
  });
}

/** Moves the record only if it is unchanged: the sweep would not know of shards that were added since it was read. */
async function moveOutOfSight(ctx: Context, record: QueueRecord): Promise<{ done: object } | { seen: QueueRecord | undefined }> {
  const { name, incarnation, version } = record;
  try {
    const result = await ctx.store.transact([
      { key: queueKey(name), when: { equals: [['version'], version] }, then: { remove: true } },
      { key: deletedKey(incarnation), then: { put: queueRow({ ...record, updatedAt: ctx.clock.now() }, 'deleted') } },
    ]);
    if (result.ok) return { done: {} };
    const row = result.refused[0]?.row;
    return { seen: row && readQueue(row) };
  } catch (error) {
    if (!(error instanceof StoreError) || error.applied === 'no') throw error;
    ctx.settings.forget(name);
    if ((await ctx.settings.find(name))?.incarnation === incarnation) throw error;
    return { done: {} };
  } finally {
    ctx.settings.forget(name);
  }
}
