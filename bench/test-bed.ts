/** The test bed of a measurement: an embedded DynamoDB engine with tables, and independent queue engines that work on it. */
import { createEngine } from '../engine/create.ts';
import { createDynamoClient, type DynamoClient } from '../engine/dynamo/client.ts';
import type { CorrectedClock } from '../engine/dynamo/corrected-clock.ts';
import { dynamoParts } from '../engine/dynamo/parts.ts';
import { accessFromSdk, createSdkClient, type SdkClient } from '../engine/dynamo/sdk-client.ts';
import { createTables } from '../engine/dynamo/tables.ts';
import type { Engine } from '../engine/engine.ts';
import { startEmbeddedDynamodb } from '../functions/local/embedded-dynamodb.ts';
import { CapacityMeter } from './capacity-meter.ts';

export const tableNames = { messages: 'bench-messages', leases: 'bench-leases', queues: 'bench-queues' };
export const clientSettings = { region: 'us-east-1', credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' } };

/** Stands for one process of the queue, such as a Lambda container: it has its own client, caches and claim windows. */
export interface Instance {
  engine: Engine;
  client: DynamoClient;
  meter: CapacityMeter;
}

export interface TestBed {
  endpoint: string;
  /** A client of the AWS SDK. */
  sdk: SdkClient;
  /** `metered`: requests the capacity units of each call from DynamoDB, which takes a little time. Default: true. */
  instance(options?: { metered?: boolean; clock?: CorrectedClock }): Instance;
  close(): Promise<void>;
}

/** Rows are kept in memory, so that the queue is measured, not this machine's disk. */
export async function createTestBed(): Promise<TestBed> {
  const { endpoint, stop } = await startEmbeddedDynamodb();
  const sdks: SdkClient[] = [];

  function newSdk(): SdkClient {
    const sdk = createSdkClient({ endpoint, ...clientSettings });
    sdks.push(sdk);
    return sdk;
  }

  const sdk = newSdk();
  await createTables(sdk, tableNames);
  return {
    endpoint,
    sdk,
    instance({ metered = true, clock } = {}) {
      const meter = new CapacityMeter();
      const bare = createDynamoClient(accessFromSdk(newSdk()));
      const client = metered ? meter.metered(bare) : bare;
      const parts = dynamoParts({ client, tables: tableNames, forJson: true, ...(clock && { clock }) });
      return { engine: createEngine(parts), client, meter };
    },
    async close() {
      for (const one of sdks) one.destroy();
      await stop();
    },
  };
}
