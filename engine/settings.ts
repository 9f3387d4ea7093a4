/** The settings of queues: stored in `queues`, read through a short cache. */
import type {
  Backoff,
  DeadLetter,
  Deduplication,
  GroupSettings,
  Keep,
  PreparedSettings,
  Priority,
  Queue,
  QueueLimits,
  QueueSettings,
} from '../sdk/contract.ts';
import { DumbwaiterError } from '../sdk/errors.ts';
import {
  delaySecondsDefault,
  readToWriteMsMax,
  retentionSecondsDefault,
  settingsCacheMs,
  visibilityTimeoutSecondsDefault,
} from '../sdk/limits.ts';
import { type Clock, type Key, type Row, type Store, StoreError, type Value } from './port.ts';

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
  /** Levels of priority that messages may be in: the most that the queue ever declared. */
  levelsVisited: number;
  /** Whether it ever had the setting `prepared`. */
  hasPrepared: boolean;
  /** Messages that entered before this are gone, ms. */
  purgedBefore: number;
  createdAt: number;
  updatedAt: number;
  version: string;
}

export const settingsDefaults: QueueSettings = {
  visibilityTimeoutSeconds: visibilityTimeoutSecondsDefault,
  delaySeconds: delaySecondsDefault,
  retentionSeconds: retentionSecondsDefault,
  deadLetter: null,
  backoff: null,
  priority: null,
  groups: null,
  limits: null,
  deduplication: null,
  prepared: null,
  keep: null,
  paused: false,
};

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
    keep: object<Keep>(row.keep),
    paused: (row.paused as boolean | undefined) ?? false,
    purgedBefore: row.purgedBefore as number,
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
    paused: record.paused,
    createdAt: new Date(record.createdAt).toISOString(),
    updatedAt: new Date(record.updatedAt).toISOString(),
  };
}

/** When a message that becomes ready at `visibleAt` is too old to be delivered; undefined: never. */
export function expiryOf(queue: QueueRecord, visibleAt: number): number | undefined {
  return queue.retentionSeconds === null ? undefined : visibleAt + queue.retentionSeconds * 1000;
}

/** Reads of the settings of one queue, each of which took longer than they count, before the store is too slow to go on. */
const readsInForceMax = 3;

export function createSettings(store: Store, clock: Clock) {
  const cache = new Map<string, { record: QueueRecord; readAt: number }>();
  let all: { records: QueueRecord[]; readAt: number } | undefined;
  /** How often settings were changed here: what was being read meanwhile may show them as they were, and is not remembered. */
  let changes = 0;

  const isFresh = (readAt: number) => {
    const age = clock.now() - readAt;
    return age >= 0 && age < settingsCacheMs;
  };

  async function load(name: string): Promise<{ record: QueueRecord | undefined; readAt: number }> {
    const readAt = clock.now();
    const before = changes;
    const [row] = await store.get([queueKey(name)]);
    const record = row && readQueue(row);
    // An unknown queue is not remembered: it is usable the moment it is created.
    if (record && before === changes) cache.set(name, { record, readAt });
    else cache.delete(name);
    return { record, readAt };
  }

  return {
    /** The queue's settings, no older than `settingsCacheMs`. */
    async find(name: string): Promise<QueueRecord | undefined> {
      const known = cache.get(name);
      if (known && isFresh(known.readAt)) return known.record;
      return (await load(name)).record;
    },
    /**
     * The settings in force when this resolves: read at most `settingsCacheMs` before that instant, however slow the store is. `find` only
     * looks at their age before it reads. Throws StoreError (`late`) when the store takes longer than that each time.
     */
    async inForce(name: string): Promise<QueueRecord | undefined> {
      for (let reads = 0; reads <= readsInForceMax; reads++) {
        const known = cache.get(name);
        const { record, readAt } = known && isFresh(known.readAt) ? known : await load(name);
        if (!record || isFresh(readAt)) return record;
      }
      throw new StoreError(`the store takes longer to read the settings of "${name}" than they count`, 'no', undefined, 'late');
    },
    async get(name: string): Promise<QueueRecord> {
      const record = await this.find(name);
      if (!record) throw new DumbwaiterError('queue_not_found', `queue: there is no queue "${name}"`);
      return record;
    },
    /** As it is now, past the cache. */
    async read(name: string): Promise<QueueRecord> {
      const { record } = await load(name);
      if (!record) throw new DumbwaiterError('queue_not_found', `queue: there is no queue "${name}"`);
      return record;
    },
    forget(name: string): void {
      changes++;
      cache.delete(name);
      all = undefined;
    },
    /** All queues, no older than `settingsCacheMs`. As many reads as there are megabytes of settings. */
    async list(): Promise<QueueRecord[]> {
      if (all && isFresh(all.readAt)) return all.records;
      const readAt = clock.now();
      const before = changes;
      const records: QueueRecord[] = [];
      let after: Row | undefined;
      do {
        const page = await store.range({
          table: 'queues',
          partition: 'queue',
          limit: 1000,
          consistent: true,
          ...(after ? { after } : {}),
        });
        records.push(...page.rows.map(readQueue));
        after = page.next;
      } while (after);
      if (before !== changes) return records;
      all = { records, readAt };
      for (const record of records) {
        if ((cache.get(record.name)?.readAt ?? 0) <= readAt) cache.set(record.name, { record, readAt });
      }
      return records;
    },
    async byIncarnation(incarnation: string): Promise<QueueRecord | undefined> {
      return (await this.list()).find((record) => record.incarnation === incarnation);
    },
  };
}

export type Settings = ReturnType<typeof createSettings>;

/** The last instant at which a write that rests on a read begun at `readAt` may go out. */
export function writeBy(readAt: number): { by: number } {
  return { by: readAt + readToWriteMsMax };
}
