/**
 * Sleep: the sweep passes over queues in which nothing is due, waiting or unsettled. A queue's settings say until when it is awake
 * (`awakeUntil`) and, once a sweep lets it sleep, until when it sleeps (`asleepUntil`).
 *
 * Invariant: a write that gives a queue something to visit goes out before the queue's `awakeUntil` (`awake-store.ts`). A sweep lets the
 * queue sleep only when `awakeUntil` is so long past that no such write can still arrive, and only until the first of its rows is due.
 * Both are conditional writes of the one row, so each excludes the other.
 */
import { awakeMs, clockMarginMs, signedRequestMsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { type QueueRecord, queueKey, queueRow } from '../model/queue-record.ts';
import { partitionsOf, preparedPartitionsOf } from '../model/shards.ts';
import { StoreError } from '../port/port.ts';

/** After `awakeUntil` and this, no write that was sent before it can arrive. */
export const arrivedMs = signedRequestMsMax + 2 * clockMarginMs;
/** `asleepUntil` of a queue that holds nothing at all. */
export const forever = Number.MAX_SAFE_INTEGER;

type Wakeful = Pick<QueueRecord, 'awakeUntil' | 'asleepUntil'>;

export function isAsleep({ asleepUntil }: Wakeful, now: number): boolean {
  return asleepUntil !== undefined && asleepUntil > now;
}

/** The settings with which calls may write for a while. `awakeUntil` never goes back. */
export function awakened<Record extends Wakeful>(record: Record, now: number): Record {
  const { asleepUntil: _, ...awake } = record;
  return { ...awake, awakeUntil: Math.max(record.awakeUntil, now + awakeMs) } as Record;
}

/**
 * Lets a queue sleep in which a visit that began at `asOf` found nothing to do. Not one that may be written to by transactions of its
 * callers' own, which go out whenever they like; nor one whose shards are still to be retired.
 */
export async function sleepIfIdle(ctx: Context, queue: QueueRecord, asOf: number): Promise<void> {
  if (queue.hasTransactions || queue.shardsVisited > 1 || asOf <= queue.awakeUntil + arrivedMs) return;
  const due = await firstDue(ctx, queue);
  if (due <= ctx.clock.now() || due === queue.asleepUntil) return;
  const next: QueueRecord = { ...queue, asleepUntil: due, version: ctx.newVersion() };
  const when = { equals: [['version'], queue.version] } as const;
  try {
    await ctx.store.write({ key: queueKey(queue.name), when, then: { put: queueRow(next) } });
  } catch (error) {
    // It stays awake, or sleeps: either is right.
    if (!(error instanceof StoreError)) throw error;
  }
  ctx.settings.forget(queue.name);
}

/** When the first of the queue's rows is due: 0 where a message waits, `forever` where there is no row. */
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
