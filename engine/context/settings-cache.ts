/** The settings of queues, read through a short cache. */
import { DumbwaiterError } from '../../contract/errors.ts';
import { settingsCacheMs } from '../../contract/limits.ts';
import { type QueueRecord, queueKey, readQueue } from '../model/queue-record.ts';
import { type Clock, type Row, type Store, StoreError } from '../port/port.ts';

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
