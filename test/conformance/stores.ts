/** Runs a suite over each store: in memory, in a SQLite file, on DynamoDB. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { createDynamoStore } from '../../engine/dynamo/store.ts';
import { createMemoryStore } from '../../engine/memory/store.ts';
import type { Key, Row, Store } from '../../engine/port/port.ts';
import { openSqliteStore } from '../../engine/sqlite/store.ts';
import { startTestDynamodb } from '../support/dynamodb.ts';

interface OpenStore {
  store: Store;
  close(): Promise<void>;
}

const stores: { name: string; open(): Promise<OpenStore> }[] = [
  { name: 'memory store', open: async () => ({ store: createMemoryStore(), close: async () => {} }) },
  {
    name: 'SQLite store',
    async open() {
      const folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-conformance-'));
      const store = openSqliteStore({ file: join(folder, 'queue.sqlite') });
      return {
        store,
        async close() {
          await store.close();
          await rm(folder, { recursive: true });
        },
      };
    },
  },
  {
    name: 'DynamoDB store',
    async open() {
      const dynamodb = await startTestDynamodb();
      const { client, tables } = dynamodb;
      return { store: createDynamoStore({ client, tables }), close: () => dynamodb.stop() };
    },
  },
];

/** Within tests, `store()` is the open store and `newKey(name)` returns a key that was never used. */
export function describeStores(promises: (store: () => Store, newKey: (name?: string) => LeaseKey) => void): void {
  describe.each(stores.map(({ name, open }) => [name, open] as const))('the %s', (_, open) => {
    let opened: OpenStore;
    let count = 0;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.close());
    promises(
      () => opened.store,
      (name = 'row') => ({ table: 'leases', id: `${name}-${++count}` }),
    );
  });
}

export type LeaseKey = Extract<Key, { table: 'leases' }>;

export async function read(store: Store, key: Key): Promise<Row | undefined> {
  const [row] = await store.get([key]);
  return row;
}
