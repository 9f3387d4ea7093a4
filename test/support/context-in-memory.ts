/** A context over a memory store, of which a test can replace parts, and a queue. */

import { awakeMs } from '../../contract/limits.ts';
import { settingsDefaults } from '../../contract/settings-defaults.ts';
import { createContext } from '../../engine/context/context.ts';
import type { EngineEvent } from '../../engine/engine.ts';
import { createMemoryStore } from '../../engine/memory/store.ts';
import { type QueueRecord, queueRow } from '../../engine/model/queue-record.ts';
import { encodeLease, encodeParcel } from '../../engine/model/row-codec.ts';
import type { GroupLeaseRow, LeaseRow, Parcel, ParcelLeaseRow } from '../../engine/model/rows.ts';
import type { Row, Store } from '../../engine/port/port.ts';
import { seededRandom } from '../../engine/port/random.ts';
import { createDrivenClock } from './driven-clock.ts';
import { testSeed } from './seed.ts';
import { spyOnStore } from './store-spy.ts';

export const start = 1_800_000_000_000;

export function contextInMemory(over: (store: Store) => Partial<Store> = () => ({})) {
  const clock = createDrivenClock(start);
  const memory = createMemoryStore({ now: clock.now });
  const plain: Store = {
    get: (keys) => memory.get(keys),
    range: (range) => memory.range(range),
    write: (write, options) => memory.write(write, options),
    writeAll: (writes, options) => memory.writeAll(writes, options),
    transact: (writes, options) => memory.transact(writes, options),
  };
  const spy = spyOnStore({ ...plain, ...over(plain) });
  const events: EngineEvent[] = [];
  const observe = (event: EngineEvent) => events.push(event);
  const ctx = createContext({ store: spy.store, clock, random: seededRandom(testSeed), observe });
  const put = (table: 'messages' | 'leases' | 'queues', row: Row) => {
    const { shard, id, kind, name } = row as { [key: string]: string };
    const keys = {
      messages: { table: 'messages', shard: shard!, id: id! },
      leases: { table: 'leases', id: id! },
      queues: { table: 'queues', kind: kind!, name: name! },
    } as const;
    return memory.write({ key: keys[table], then: { put: row } });
  };
  return {
    ctx,
    clock,
    spy,
    events,
    put,
    rows: (table: 'messages' | 'leases') => memory.rows(table),
    putLease: (lease: LeaseRow) => put('leases', encodeLease(lease)),
    putParcel: (parcel: Parcel) => put('messages', encodeParcel(parcel, false)),
    putQueue: (queue: QueueRecord) => put('queues', queueRow(queue)),
  };
}

export function queueOf(settings: Partial<QueueRecord> = {}): QueueRecord {
  return {
    ...settingsDefaults,
    backoff: null,
    name: 'q',
    incarnation: 'abcdefgh',
    shards: 1,
    shardsVisited: 1,
    shardsEver: 1,
    levelsVisited: 1,
    hasPrepared: false,
    hasTransactions: false,
    awakeUntil: start + awakeMs,
    shardsChangedAt: 0,
    shardsCalmMs: 600_000,
    purgedBefore: 0,
    restsUntil: 0,
    retentionBindsFrom: 0,
    createdAt: 0,
    updatedAt: 0,
    version: 'v',
    ...settings,
  };
}

export const shard = 'abcdefgh:0';

/** The row of a group. */
export function groupLeaseWith({ group, ...more }: Partial<GroupLeaseRow> & Pick<GroupLeaseRow, 'group'>): GroupLeaseRow {
  return { ...leaseWith(), ...more, kind: 'group', group };
}

/** A row of two ready messages. */
export function leaseWith(more: Partial<ParcelLeaseRow> = {}): ParcelLeaseRow {
  return {
    kind: 'parcel',
    id: 'row',
    shard,
    version: 'v',
    slots: [
      { visibleAt: start, receives: 0, failures: 0 },
      { visibleAt: start, receives: 0, failures: 0 },
    ],
    since: start - 10,
    content: { text: '[[1],[2]]' },
    ...more,
  };
}
