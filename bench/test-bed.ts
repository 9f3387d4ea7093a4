/** The test bed of a measurement: an embedded DynamoDB engine with tables, and independent queue engines that work on it. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createEngine } from '../engine/create.ts';
import { createDynamoClient } from '../engine/dynamo/client.ts';
import type { CorrectedClock } from '../engine/dynamo/corrected-clock.ts';
import { dynamoParts } from '../engine/dynamo/parts.ts';
import { createTables } from '../engine/dynamo/tables.ts';
import type { Engine } from '../engine/engine.ts';
import { startEmbeddedDynamodb } from '../functions/local/embedded-dynamodb.ts';
import { CapacityMeter } from './capacity-meter.ts';

export const tableNames = { messages: 'bench-messages', leases: 'bench-leases', queues: 'bench-queues' };
export const clientSettings = { region: 'us-east-1', credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' } };

/** Stands for one process of the queue, such as a Lambda container: it has its own AWS client, caches and claim windows. */
export interface Instance {
  engine: Engine;
  client: DynamoDBClient;
  meter: CapacityMeter;
}

export interface TestBed {
  endpoint: string;
  /** `metered`: requests the capacity units of each call from DynamoDB, which takes a little time. Default: true. */
  instance(options?: { metered?: boolean; clock?: CorrectedClock }): Instance;
  close(): Promise<void>;
}

/** Rows are kept in memory, so that the queue is measured, not this machine's disk. */
export async function createTestBed(): Promise<TestBed> {
  const { endpoint, stop } = await startEmbeddedDynamodb();
  const clients: DynamoDBClient[] = [];

  function newClient(): DynamoDBClient {
    const client = createDynamoClient({ endpoint, ...clientSettings });
    clients.push(client);
    return client;
  }

  await createTables(newClient(), tableNames);
  return {
    endpoint,
    instance({ metered = true, clock } = {}) {
      const client = newClient();
      const meter = new CapacityMeter();
      if (metered) meter.watch(client);
      const parts = dynamoParts({ client, tables: tableNames, ...(clock && { clock }) });
      return { engine: createEngine(parts), client, meter };
    },
    async close() {
      for (const client of clients) client.destroy();
      await stop();
    },
  };
}
