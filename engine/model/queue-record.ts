/**
 * The settings of a queue and its bookkeeping, encoded as a row of `queues`. Older rows lack newer attributes, so
 * `readQueue` needs a default for each attribute that is added.
 */

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
  /** New for each creation of a queue, and part of its shard keys: messages of a deleted queue never reappear in a new one. */
  incarnation: string;
  /** Messages are published to shards 0 to `shards` - 1, and may be in shards 0 to `shardsVisited` - 1. */
  shards: number;
  shardsVisited: number;
  /** The most shards that the queue ever had. A caller may send its own transaction long after it was given a shard. */
  shardsEver: number;
  shardsChangedAt: number;
  /** How long the number of shards must stay unchanged before some may be retired while messages still wait, ms. */
  shardsCalmMs: number;
  /** Priority levels in which messages may be: the most that the queue ever had. */
  levelsVisited: number;
  /** Whether the queue ever had the setting `prepared`. */
  hasPrepared: boolean;
  /** Whether entries for callers' own transactions were ever given out. Callers may send them at any time. */
  hasTransactions: boolean;
  /** See `queues/sleep.ts`, ms. */
  awakeUntil: number;
  asleepUntil?: number;
  /** Messages that entered the queue before this are gone, ms. */
  purgedBefore: number;
  /** Until then, groups may still rest by an earlier rate, lower than the current one, ms: see `receive/lifted-rests.ts`. */
  restsUntil: number;
  /** From then on, no message exists that was published under a longer retention, ms. */
  retentionBindsFrom: number;
  createdAt: number;
  updatedAt: number;
  version: string;
}

export function queueKey(name: string): Key {
  return { table: 'queues', kind: 'queue', name };
}

/** The key of a deleted queue's settings, kept until the sweep has removed the queue's rows. */
export function deletedKey(incarnation: string): Key {
  return { table: 'queues', kind: 'deleted', name: incarnation };
}

export function queueRow(record: QueueRecord, kind: 'queue' | 'deleted' = 'queue'): Row {
  return { ...withoutNulls(record), kind, name: kind === 'queue' ? record.name : record.incarnation, queue: record.name };
}

/** A row cannot hold null: an absent attribute means null. */
function withoutNulls(settings: object): Row {
  const given = Object.entries(settings).filter(([, value]) => value !== null);
  return Object.fromEntries(given.map(([name, value]) => [name, typeof value === 'object' ? withoutNulls(value) : value]));
}

/** Decodes an object. `absent`: the fields that are null if the row omits them. */
function object<T>(value: Value | undefined, absent: Partial<T> = {}): T | null {
  return value === undefined ? null : { ...absent, ...(value as T) };
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
  const names = Object.keys(settingsDefaults) as (keyof QueueSettings)[];
  const settings = Object.fromEntries(names.map((name) => [name, record[name]])) as unknown as QueueSettings;
  const { name, createdAt, updatedAt } = record;
  return { name, ...settings, createdAt: new Date(createdAt).toISOString(), updatedAt: new Date(updatedAt).toISOString() };
}

/** When the retention of a message that becomes ready at `visibleAt` ends, ms; undefined: never. */
export function retentionEndAfter(queue: QueueRecord, visibleAt: number): number | undefined {
  return queue.retentionSeconds === null ? undefined : visibleAt + queue.retentionSeconds * 1000;
}

/** The last instant at which a write may be sent that depends on a read begun at `readAt`. */
export function writeDeadline(readAt: number): { by: number } {
  return { by: readAt + readToWriteMsMax };
}
