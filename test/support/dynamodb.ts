/** A DynamoDB engine for the tests of one file, with tables of its own. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createDynamoClient } from '../../engine/dynamo/client.ts';
import { createTables, type TableNames } from '../../engine/dynamo/tables.ts';
import { startEmbeddedDynamodb } from '../../functions/local/embedded-dynamodb.ts';

export interface TestDynamodb {
  endpoint: string;
  client: DynamoDBClient;
  tables: TableNames;
  /** More tables on the same engine. */
  createTables(): Promise<TableNames>;
  stop(): Promise<void>;
}

/** What any AWS client needs to talk to the engine: it takes every region and every key. */
export const testCredentials = { accessKeyId: 'test', secretAccessKey: 'test' };
export const testRegion = 'us-east-1';

/** Starts an engine in memory. Stop it in `afterAll`. */
export async function startTestDynamodb(): Promise<TestDynamodb> {
  const engine = await startEmbeddedDynamodb();
  const client = createDynamoClient({ endpoint: engine.endpoint, region: testRegion, credentials: testCredentials });
  let sets = 0;
  async function freshTables(): Promise<TableNames> {
    const set = `test-${++sets}`;
    const names = { messages: `${set}-messages`, leases: `${set}-leases`, queues: `${set}-queues` };
    await createTables(client, names);
    return names;
  }
  return {
    endpoint: engine.endpoint,
    client,
    tables: await freshTables(),
    createTables: freshTables,
    async stop() {
      client.destroy();
      await engine.stop();
    },
  };
}
