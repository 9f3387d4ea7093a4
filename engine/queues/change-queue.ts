/**
 * Changes the settings of a queue by one conditional write, which is retried if another change came first. This folder holds what
 * the engine itself records in the settings. That is until when a queue is awake (`sleep.ts`, `awake-store.ts`), and its number
 * of shards (`shard-scaling.ts`).
 */
import { DumbwaiterError, invalidInput } from '../../contract/errors.ts';
import type { Context } from '../context/context.ts';
import { type QueueRecord, queueKey, queueRow, readQueue } from '../model/queue-record.ts';
import { StoreError } from '../port/port.ts';
import { untilDone } from '../port/until-done.ts';
import { awakened } from './sleep.ts';

/**
 * Applies `change` to the current settings. If `change` returns the very record it was given, nothing is written. A change wakes
 * the queue: under new settings there may be work to do on what the queue holds.
 */
export async function changeQueue(
  ctx: Context,
  name: string,
  change: (record: QueueRecord, now: number) => QueueRecord,
): Promise<QueueRecord> {
  const ours = new Set<string>();
  return untilDone(`the settings of "${name}"`, await ctx.settings.read(name), async (record) => {
    const changed = ours.has(record.version) ? record : change(record, ctx.clock.now());
    if (changed === record) return { done: record };
    const next = { ...awakened(changed, ctx.clock.now()), version: ctx.newVersion() };
    ours.add(next.version);
    const seen = await writeQueue(ctx, record, next);
    ctx.settings.forget(name);
    if (!seen) throw new DumbwaiterError('queue_not_found', `queue: there is no queue "${name}"`);
    return { seen };
  });
}

/** Puts `next` if the settings are unchanged. Returns them as they are afterwards; undefined if the queue is gone. */
async function writeQueue(ctx: Context, record: QueueRecord, next: QueueRecord): Promise<QueueRecord | undefined> {
  try {
    const when = { equals: [['version'], record.version] } as const;
    const { row } = await ctx.store.write({ key: queueKey(record.name), when, then: { put: queueRow(next) } });
    return row && readQueue(row);
  } catch (error) {
    if (!(error instanceof StoreError) || error.applied === 'no') throw error;
    return ctx.settings.read(record.name);
  }
}

/**
 * Checks that the dead-letter queue exists, and that no chain of dead-letter queues leads back to this queue. `within` is the place
 * of the setting in the input.
 */
export async function checkDeadLetter(
  ctx: Context,
  name: string,
  deadLetter: { queue: string } | null,
  within = '',
): Promise<void> {
  const path = [name];
  let next = deadLetter?.queue;
  while (next !== undefined) {
    if (path.includes(next)) {
      const way = [...path, next].map((queue) => `"${queue}"`).join(' → ');
      throw invalidInput(`${within}deadLetter.queue: dead letters would come back: ${way}`);
    }
    path.push(next);
    const record = await ctx.settings.find(next);
    if (!record) throw invalidInput(`${within}deadLetter.queue: there is no queue "${next}"; create it first`);
    next = record.deadLetter?.queue;
  }
}

/** Records that entries for callers' transactions were given out. From then on each sweep visits the queue. */
export async function noteTransactions(ctx: Context, queue: QueueRecord): Promise<QueueRecord> {
  if (queue.hasTransactions) return queue;
  return changeQueue(ctx, queue.name, (record) => (record.hasTransactions ? record : { ...record, hasTransactions: true }));
}
