/**
 * Deletes a queue and all that it holds. Its settings move out of sight in one transaction; what it held can no longer be reached,
 * for a queue of the same name has shards of its own, and the sweep removes it.
 */
import { DumbwaiterError } from '../../sdk/errors.ts';
import type { Context } from '../context.ts';
import { StoreError } from '../port.ts';
import { deletedKey, queueKey, queueRow } from '../settings.ts';

export async function deleteQueue(ctx: Context, name: string): Promise<object> {
  const record = await ctx.settings.read(name);
  ctx.settings.forget(name);
  const user = (await ctx.settings.list()).find((other) => other.deadLetter?.queue === name && other.name !== name);
  if (user) throw new DumbwaiterError('queue_in_use', `queue: "${name}" takes the dead letters of "${user.name}"`);
  const deleted = { ...record, updatedAt: ctx.clock.now() };
  try {
    const result = await ctx.store.transact([
      { key: queueKey(name), when: { equals: [['incarnation'], record.incarnation] }, then: { remove: true } },
      { key: deletedKey(record.incarnation), then: { put: queueRow(deleted, 'deleted') } },
    ]);
    ctx.settings.forget(name);
    // Refused: another call deleted it meanwhile.
    if (!result.ok) throw new DumbwaiterError('queue_not_found', `queue: there is no queue "${name}"`);
  } catch (error) {
    if (!(error instanceof StoreError) || error.applied === 'no') throw error;
    ctx.settings.forget(name);
    if ((await ctx.settings.find(name))?.incarnation === record.incarnation) throw error;
  }
  return {};
}
