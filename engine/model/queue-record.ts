/** The settings of a queue, as a row of `queues`. */

import type {
  Backoff,
  DeadLetter,
  Deduplication,
  GroupSettings,
  Idempotency,
  Keep,
  PreparedSettings,
  Priority,
  Queue,
  QueueLimits,
  QueueSettings,
} from '../../contract/contract.ts';
import { readToWriteMsMax, shardsIdleMs } from '../../contract/limits.ts';
import { settingsDefaults } from '../../contract/settings-defaults.ts';
import type { Key, Row, Value } from '../port/port.ts';

export const incarnationChars = 8;

export interface QueueRecord extends QueueSettings {
  name: string;
  /** New each time a queue of this name is created, and part of its shards' keys: what a deleted queue held never comes back. */
  incarnation: string;
  /** Messages are published to shards 0 to `shards` - 1, and may be in 0 to `shardsVisited` - 1. */
  shards: number;
  shardsVisited: number;
  /** The most that it ever had: a transaction of a caller's own may go out long after it was told of a shard. */
  shardsEver: number;
  shardsChangedAt: number;
  /** How long its shards stay as they are before some may be retired though messages wait, ms. */
  shardsCalmMs: number;
  /** Levels of priority that messages may be in: the most that the queue ever declared. */
  levelsVisited: number;
  /** Whether it ever had the setting `prepared`. */
  hasPrepared: boolean;
  /** Whether entries were ever given out for transactions of its callers' own: they go out at any time. */
  hasTransactions: boolean;
  /** See `sleep.ts`, ms. */
  awakeUntil: number;
  asleepUntil?: number;
  /** Messages that entered before this are gone, ms. */
  purgedBefore: number;
  /** Groups may rest until then by a rate that was lower than the one they have now, ms: see lifted-rests.ts. */
  restsUntil: number;
  /** From then on no message is left that was published under a longer retention, ms. */
  retentionBindsFrom: number;
  createdAt: number;
  updatedAt: number;
  version: string;
}

export function queueKey(name: string): Key {
  return { table: 'queues', kind: 'queue', name };
}

/** Settings of a queue that was deleted and whose rows the sweep has yet to remove. */
export function deletedKey(incarnation: string): Key {
  return { table: 'queues', kind: 'deleted', name: incarnation };
}

// `null` is left out of a row: absent is null.
export function queueRow(record: QueueRecord, kind: 'queue' | 'deleted' = 'queue'): Row {
  const { name, retentionSeconds, deadLetter, backoff, priority, groups, limits, deduplication, prepared, keep, ...plain } =
    record;
  const row: Row = { ...plain, kind, name: kind === 'queue' ? name : record.incarnation, queue: name };
  if (retentionSeconds !== null) row.retentionSeconds = retentionSeconds;
  if (deadLetter) row.deadLetter = { ...deadLetter };
  if (backoff) row.backoff = { ...backoff };
  if (priority) row.priority = { ...priority };
  if (keep) row.keep = { ...keep };
  if (groups) row.groups = stored(groups);
  if (limits) row.limits = stored(limits);
  if (deduplication) row.deduplication = stored(deduplication);
  if (prepared) row.prepared = stored(prepared);
  return row;
}

/** `absent`: what is null where it was left out. */
function object<T>(value: Value | undefined, absent: Partial<T> = {}): T | null {
  return value === undefined ? null : { ...absent, ...(value as T) };
}

function stored(settings: object): Row {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null)) as Row;
}

export function readQueue(row: Row): QueueRecord {
  return {
    name: row.queue as string,
    incarnation: row.incarnation as string,
    shards: row.shards as number,
    shardsVisited: row.shardsVisited as number,
    shardsEver: (row.shardsEver as number | undefined) ?? (row.shardsVisited as number),
    shardsChangedAt: row.shardsChangedAt as number,
    shardsCalmMs: (row.shardsCalmMs as number | undefined) ?? shardsIdleMs,
    levelsVisited: (row.levelsVisited as number | undefined) ?? 1,
    visibilityTimeoutSeconds: row.visibilityTimeoutSeconds as number,
    delaySeconds: row.delaySeconds as number,
    retentionSeconds: (row.retentionSeconds as number | undefined) ?? null,
    deadLetter: object<DeadLetter>(row.deadLetter),
    backoff: object<Backoff>(row.backoff),
    priority: object<Priority>(row.priority),
    groups: object<GroupSettings>(row.groups, { ratePerSecond: null }),
    limits: object<QueueLimits>(row.limits, { concurrency: null, ratePerSecond: null }),
    deduplication: object<Deduplication>(row.deduplication, { windowSeconds: null }),
    prepared: object<PreparedSettings>(row.prepared, { checkBack: null }),
    hasPrepared: (row.hasPrepared as boolean | undefined) ?? false,
    hasTransactions: (row.hasTransactions as boolean | undefined) ?? false,
    awakeUntil: (row.awakeUntil as number | undefined) ?? 0,
    ...(row.asleepUntil === undefined ? {} : { asleepUntil: row.asleepUntil as number }),
    keep: object<Keep>(row.keep),
    idempotency: (row.idempotency as Idempotency | undefined) ?? settingsDefaults.idempotency,
    paused: (row.paused as boolean | undefined) ?? false,
    purgedBefore: row.purgedBefore as number,
    restsUntil: (row.restsUntil as number | undefined) ?? 0,
    retentionBindsFrom: (row.retentionBindsFrom as number | undefined) ?? Number.MAX_SAFE_INTEGER,
    createdAt: row.createdAt as number,
    updatedAt: row.updatedAt as number,
    version: row.version as string,
  };
}

export function describeQueue(record: QueueRecord): Queue {
  return {
    name: record.name,
    visibilityTimeoutSeconds: record.visibilityTimeoutSeconds,
    delaySeconds: record.delaySeconds,
    retentionSeconds: record.retentionSeconds,
    deadLetter: record.deadLetter,
    backoff: record.backoff,
    priority: record.priority,
    groups: record.groups,
    limits: record.limits,
    deduplication: record.deduplication,
    prepared: record.prepared,
    keep: record.keep,
    idempotency: record.idempotency,
    paused: record.paused,
    createdAt: new Date(record.createdAt).toISOString(),
    updatedAt: new Date(record.updatedAt).toISOString(),
  };
}

/** When a message that becomes ready at `visibleAt` is too old to be delivered; undefined: never. */
export function retentionEnd(queue: QueueRecord, visibleAt: number): number | undefined {
  return queue.retentionSeconds === null ? undefined : visibleAt + queue.retentionSeconds * 1000;
}

/** The last instant at which a write that rests on a read begun at `readAt` may go out. */
export function writeDeadline(readAt: number): { by: number } {
  return { by: readAt + readToWriteMsMax };
}
