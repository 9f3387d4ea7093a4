/** The stores that `speed.ts` compares. */
import { join } from 'node:path';
import { createDynamoClient, type DynamoClient } from '../engine/dynamo/client.ts';
import { createCorrectedClock } from '../engine/dynamo/corrected-clock.ts';
import { dynamoParts } from '../engine/dynamo/parts.ts';
import { accessFromSdk, createSdkClient } from '../engine/dynamo/sdk-client.ts';
import { createMemoryStore } from '../engine/memory/store.ts';
import { createRandom } from '../engine/port/random.ts';
import { openSqliteStore, sqliteMoreRowBytes } from '../engine/sqlite/store.ts';
import type { StoreParts } from '../functions/assembly.ts';
import { clientBySdk } from './sdk-calls.ts';
import { clientSettings, tableNames } from './test-bed.ts';

export const storeNames = ['memory', 'SQLite', 'DynamoDB by the AWS SDK', 'DynamoDB by the own client'] as const;
export type StoreName = (typeof storeNames)[number];

/** Where stores keep rows: in the tables at an endpoint of DynamoDB, or in a SQLite file in a folder. */
export interface Places {
  endpoint: string;
  folder: string;
}

export interface OpenStore {
  parts: StoreParts;
  /** Undefined if the store is not on DynamoDB. */
  client?: DynamoClient;
  close(): Promise<void>;
}

export function openStore(name: StoreName, { endpoint, folder }: Places): OpenStore {
  const clock = createCorrectedClock();
  if (name === 'memory') {
    return { parts: { store: createMemoryStore({ now: clock.now }), clock, random: createRandom() }, close: async () => {} };
  }
  if (name === 'SQLite') {
    const store = openSqliteStore({ now: clock.now, file: join(folder, `${crypto.randomUUID()}.sqlite`) });
    return { parts: { store, clock, random: createRandom(), moreRowBytes: sqliteMoreRowBytes }, close: store.close };
  }
  const sdk = createSdkClient({ endpoint, ...clientSettings });
  const client = name === 'DynamoDB by the AWS SDK' ? clientBySdk(sdk) : createDynamoClient(accessFromSdk(sdk));
  const close = async () => {
    client.destroy();
    sdk.destroy();
  };
  return { parts: dynamoParts({ client, tables: tableNames, forJson: true }), client, close };
}
