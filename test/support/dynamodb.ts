/** A DynamoDB engine for the tests of one file, with tables of its own. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createDynamoClient } from '../../engine/dynamo/client.ts';
import { createTables, type TableNames } from '../../engine/dynamo/tables.ts';
import { startEmbeddedDynamodb } from '../../functions/local/embedded-dynamodb.ts';

export interface TestDynamodb {
  endpoint: string;
  client: DynamoDBClient;
  tables: TableNames;
  /** The variables of a process that uses this engine and these tables. */
  environment: Record<string, string>;
  /** More tables on the same engine. */
  createTables(): Promise<TableNames>;
  stop(): Promise<void>;
}

/** What any AWS client needs to talk to the engine: it takes every region and every key. */
export const testCredentials = { accessKeyId: 'test', secretAccessKey: 'test' };
export const testRegion = 'us-east-1';

/** The variables that give a process a DynamoDB endpoint and tables. */
export const environmentOf = (
  { endpoint, region, credentials }: { endpoint: string; region: string; credentials: typeof testCredentials },
  tables: TableNames,
): Record<string, string> => ({
  AWS_ENDPOINT_URL_DYNAMODB: endpoint,
  AWS_REGION: region,
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  DUMBWAITER_MESSAGES_TABLE: tables.messages,
  DUMBWAITER_LEASES_TABLE: tables.leases,
  DUMBWAITER_QUEUES_TABLE: tables.queues,
});

/** Starts an engine in memory. Stop it in `afterAll`. */
export async function startTestDynamodb(): Promise<TestDynamodb> {
  const engine = await startEmbeddedDynamodb();
  const account = { endpoint: engine.endpoint, region: testRegion, credentials: testCredentials };
  const client = createDynamoClient(account);
  let sets = 0;
  async function freshTables(): Promise<TableNames> {
    const set = `test-${++sets}`;
    const names = { messages: `${set}-messages`, leases: `${set}-leases`, queues: `${set}-queues` };
    await createTables(client, names);
    return names;
  }
  const tables = await freshTables();
  return {
    endpoint: engine.endpoint,
    client,
    tables,
    environment: environmentOf(account, tables),
    createTables: freshTables,
    async stop() {
      client.destroy();
      await engine.stop();
    },
  };
}
