/**
 * Sleep: the sweep skips queues in which nothing is due, waiting or unsettled. A queue's settings say until when it is awake
 * (`awakeUntil`) and, once a sweep lets it sleep, until when it sleeps (`asleepUntil`).
 *
 * Invariant: a write that gives the sweep something to visit is sent before the queue's `awakeUntil` (`awake-store.ts`). A sweep
 * lets a queue sleep only if `awakeUntil` is so long past that no such write can still arrive. The queue sleeps only until its
 * first row is due. Waking and sleeping are conditional writes of one row, so each excludes the other.
 */
import { awakeMs, clockMarginMs, signedRequestMsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { partitionsOf, preparedPartitionsOf, type QueueRecord, queueKey, queueRow } from '../model/queue-record.ts';
import { ignoreStoreError } from '../port/port.ts';

/** A write sent before `awakeUntil` arrives no later than this after it, ms. */
export const arrivedMs = signedRequestMsMax + 2 * clockMarginMs;
/** `asleepUntil` of a queue that holds no row. */
export const forever = Number.MAX_SAFE_INTEGER;

type Wakeful = Pick<QueueRecord, 'awakeUntil' | 'asleepUntil'>;

export function isAsleep({ asleepUntil }: Wakeful, now: number): boolean {
  return asleepUntil !== undefined && asleepUntil > now;
}

/** The settings of a queue that is awake for `awakeMs` from `now` on. `awakeUntil` never decreases. */
export function awakened<Record extends Wakeful>(record: Record, now: number): Record {
  const { asleepUntil: _, ...awake } = record;
  return { ...awake, awakeUntil: Math.max(record.awakeUntil, now + awakeMs) } as Record;
}

/**
 * Lets a queue sleep if a visit that began at `asOf` found nothing to do. A queue never sleeps if callers' own transactions may
 * write to it: these are sent at any time. Nor does it sleep while shards are still to be retired.
 */
export async function sleepIfIdle(ctx: Context, queue: QueueRecord, asOf: number): Promise<void> {
  if (queue.hasTransactions || queue.shardsVisited > 1 || asOf <= queue.awakeUntil + arrivedMs) return;
  const due = await firstDue(ctx, queue);
  if (due <= ctx.clock.now() || due === queue.asleepUntil) return;
  const next: QueueRecord = { ...queue, asleepUntil: due, version: ctx.newVersion() };
  const when = { equals: [['version'], queue.version] } as const;
  // After a failure the queue is awake or asleep; both are correct.
  await ctx.store.write({ key: queueKey(queue.name), when, then: { put: queueRow(next) } }).catch(ignoreStoreError);
  ctx.settings.forget(queue.name);
}

/** When the first row of the queue is due: 0 if a message waits in `messages`, `forever` if there is no row. */
async function firstDue(ctx: Context, queue: QueueRecord): Promise<number> {
  const partitions = partitionsOf(queue);
  const instants = await Promise.all([
    ...partitions.map(async (partition) => {
      const { rows } = await ctx.store.range({ table: 'messages', partition, limit: 1, consistent: true });
      return rows.length > 0 ? 0 : forever;
    }),
    ...[...partitions, ...preparedPartitionsOf(queue)].map(async (partition) => {
      const { rows } = await ctx.store.range({ table: 'leases', index: 'due', partition, limit: 1 });
      return (rows[0]?.expiry as number | undefined) ?? forever;
    }),
  ]);
  return Math.min(...instants);
}
