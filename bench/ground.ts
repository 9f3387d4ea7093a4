/** The ground of a measurement: an embedded DynamoDB engine with tables, and queue engines over it that are each on their own. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createEngine } from '../engine/create.ts';
import { createDynamoClient } from '../engine/dynamo/client.ts';
import { type CorrectedClock, createCorrectedClock } from '../engine/dynamo/corrected-clock.ts';
import { createDynamoStore } from '../engine/dynamo/store.ts';
import { createTables } from '../engine/dynamo/tables.ts';
import { transactionItems } from '../engine/dynamo/transactions.ts';
import type { Engine } from '../engine/engine.ts';
import { createRandom } from '../engine/port/random.ts';
import { startEmbeddedDynamodb } from '../functions/local/embedded-dynamodb.ts';
import { Meter } from './meter.ts';

export const tableNames = { messages: 'bench-messages', leases: 'bench-leases', queues: 'bench-queues' };
export const anywhere = { region: 'us-east-1', credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' } };

/** One process of the queue as a Lambda container would be: its own AWS client, caches and windows. */
export interface Instance {
  engine: Engine;
  client: DynamoDBClient;
  meter: Meter;
}

export interface Ground {
  endpoint: string;
  /** `metered`: DynamoDB is asked for the units of each call, which takes a little time. */
  instance(options?: { metered?: boolean; clock?: CorrectedClock }): Instance;
  close(): Promise<void>;
}

/** Rows are kept in memory: what is measured is the queue, not this machine's disk. */
export async function layGround(): Promise<Ground> {
  const { endpoint, stop } = await startEmbeddedDynamodb();
  const clients: DynamoDBClient[] = [];

  function newClient(): DynamoDBClient {
    const client = createDynamoClient({ endpoint, ...anywhere });
    clients.push(client);
    return client;
  }

  await createTables(newClient(), tableNames);
  return {
    endpoint,
    instance({ metered = true, clock = createCorrectedClock() } = {}) {
      const client = newClient();
      const meter = new Meter();
      if (metered) meter.watch(client);
      const store = createDynamoStore({ client, tables: tableNames, clock });
      const transactionItem = transactionItems(tableNames);
      return { engine: createEngine({ store, clock, random: createRandom(), transactionItem }), client, meter };
    },
    async close() {
      for (const client of clients) client.destroy();
      await stop();
    },
  };
}
