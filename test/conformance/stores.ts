/** The two stores, for suites that hold both to the same promises. */
import { afterAll, beforeAll, describe } from 'vitest';
import { createDynamoStore } from '../../engine/dynamo/store.ts';
import { createMemoryStore } from '../../engine/memory/store.ts';
import type { Key, Row, Store } from '../../engine/port/port.ts';
import { startTestDynamodb } from '../support/dynamodb.ts';

interface OpenStore {
  store: Store;
  close(): Promise<void>;
}

const stores: { name: string; open(): Promise<OpenStore> }[] = [
  { name: 'memory store', open: async () => ({ store: createMemoryStore(), close: async () => {} }) },
  {
    name: 'dynamo store',
    async open() {
      const dynamodb = await startTestDynamodb();
      const { client, tables } = dynamodb;
      return { store: createDynamoStore({ client, tables }), close: () => dynamodb.stop() };
    },
  },
];

/** Declares the suite once for each store. `store()` is the open one, within tests; `fresh(name)` a key never used. */
export function describeStores(promises: (store: () => Store, fresh: (name?: string) => LeaseKey) => void): void {
  describe.each(stores)('the $name', ({ open }) => {
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

/** The row as it is now. */
export async function read(store: Store, key: Key): Promise<Row | undefined> {
  const [row] = await store.get([key]);
  return row;
}
