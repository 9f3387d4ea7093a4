/** The settings of queues, read through a cache of `settingsCacheMs`. After that time, every process follows a change. */
import { DumbwaiterError } from '../../contract/errors.ts';
import { settingsCacheMs } from '../../contract/limits.ts';
import { type QueueRecord, queueKey, readQueue } from '../model/queue-record.ts';
import { isRecent } from '../port/copy-age.ts';
import { pagesOf } from '../port/pages.ts';
import { type Clock, type Store, StoreError } from '../port/port.ts';

/** How often `inForce` reads again because the settings were already outdated when the read ended. */
const readsInForceMax = 3;

export function createSettings(store: Store, clock: Clock) {
  const cache = new Map<string, { record: QueueRecord; readAt: number }>();
  let all: { records: QueueRecord[]; readAt: number } | undefined;
  /** Counts changes made in this process. A read that a change overlaps may be outdated, so it is not cached. */
  let changes = 0;

  const isFresh = (readAt: number) => isRecent(readAt, clock.now(), settingsCacheMs);

  async function load(name: string): Promise<{ record: QueueRecord | undefined; readAt: number }> {
    const readAt = clock.now();
    const before = changes;
    const [row] = await store.get([queueKey(name)]);
    const record = row && readQueue(row);
    // An unknown queue is not cached, so that it is usable as soon as it is created.
    if (record && before === changes) cache.set(name, { record, readAt });
    else cache.delete(name);
    return { record, readAt };
  }

  return {
    /** The queue's settings; a cached copy is at most `settingsCacheMs` old. Undefined if the queue does not exist. */
    async find(name: string): Promise<QueueRecord | undefined> {
      const known = cache.get(name);
      if (known && isFresh(known.readAt)) return known.record;
      return (await load(name)).record;
    },
    /** The settings of those of the queues that exist, as old as `find` answers them, with one read for all that are not cached. */
    async findAll(names: readonly string[]): Promise<Map<string, QueueRecord>> {
      const readAt = clock.now();
      const before = changes;
      const found = new Map<string, QueueRecord>();
      for (const name of names) {
        const known = cache.get(name);
        if (known && isFresh(known.readAt)) found.set(name, known.record);
      }
      const others = [...new Set(names)].filter((name) => !found.has(name));
      const rows = others.length > 0 ? await store.get(others.map(queueKey)) : [];
      for (const record of rows.flatMap((row) => (row ? [readQueue(row)] : []))) {
        found.set(record.name, record);
        if (before === changes) cache.set(record.name, { record, readAt });
      }
      return found;
    },
    /**
     * The settings in force when this resolves: at most `settingsCacheMs` old at that instant, even if the store is slow.
     * `find` does not check the age again after a read. Throws StoreError (`late`) if every read takes too long.
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
    /** The current settings, bypassing the cache. Throws `queue_not_found`. */
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
    /** All queues; a cached list is at most `settingsCacheMs` old. One read for each megabyte of settings. */
    async list(): Promise<QueueRecord[]> {
      if (all && isFresh(all.readAt)) return all.records;
      const readAt = clock.now();
      const before = changes;
      const records: QueueRecord[] = [];
      for await (const rows of pagesOf(store, { table: 'queues', partition: 'queue', limit: 1000, consistent: true })) {
        records.push(...rows.map(readQueue));
      }
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
