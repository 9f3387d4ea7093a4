/** A DynamoDB engine for the tests of one file, with tables of its own. */
import { type AttributeValue, type DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { accessFromEnvironment } from '../../aws/environment.ts';
import { fromItem, type Item } from '../../engine/dynamo/attribute-values.ts';
import { createDynamoClient, type DynamoClient } from '../../engine/dynamo/client.ts';
import { createSdkClient } from '../../engine/dynamo/sdk-client.ts';
import { createTables, type TableNames } from '../../engine/dynamo/tables.ts';
import type { Row } from '../../engine/port/port.ts';
import { startEmbeddedDynamodb } from '../../functions/local/embedded-dynamodb.ts';

export interface TestDynamodb {
  endpoint: string;
  client: DynamoClient;
  /** The AWS SDK's client, for what the queue's own has no call for. */
  sdk: DynamoDBClient;
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

/** The queue's client on any endpoint. */
export function createTestClient(endpoint: string, options: { attempts?: number } = {}): DynamoClient {
  const { accessKeyId, secretAccessKey } = testCredentials;
  const account = { AWS_REGION: testRegion, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  return createDynamoClient(accessFromEnvironment('dynamodb', { ...account, AWS_ENDPOINT_URL: endpoint }), options);
}

/** Every row of a table, whatever its age. */
export async function scanRows(sdk: DynamoDBClient, table: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (let after: Record<string, AttributeValue> | undefined; ; ) {
    const input = { TableName: table, ConsistentRead: true, ...(after && { ExclusiveStartKey: after }) };
    const { Items: items = [], LastEvaluatedKey: next } = await sdk.send(new ScanCommand(input));
    rows.push(...items.map(rowOfSdk));
    if (next === undefined) return rows;
    after = next;
  }
}

/** The row of an item as the AWS SDK has it, with bytes as Uint8Array. */
export function rowOfSdk(item: Record<string, AttributeValue>): Row {
  return fromItem(JSON.parse(JSON.stringify(item, base64)) as Item);
}

/** Reads the original value from `this`, because `value` is already what a Buffer's `toJSON` returned. */
function base64(this: Record<string, unknown>, name: string, value: unknown): unknown {
  const bytes = this[name];
  return bytes instanceof Uint8Array ? Buffer.from(bytes).toString('base64') : value;
}

/** Starts an engine in memory. Stop it in `afterAll`. */
export async function startTestDynamodb(): Promise<TestDynamodb> {
  const engine = await startEmbeddedDynamodb();
  const account = { endpoint: engine.endpoint, region: testRegion, credentials: testCredentials };
  const client = createTestClient(engine.endpoint);
  const sdk = createSdkClient(account);
  let sets = 0;
  async function freshTables(): Promise<TableNames> {
    const set = `test-${++sets}`;
    const names = { messages: `${set}-messages`, leases: `${set}-leases`, queues: `${set}-queues` };
    await createTables(sdk, names);
    return names;
  }
  const tables = await freshTables();
  return {
    endpoint: engine.endpoint,
    client,
    sdk,
    tables,
    environment: environmentOf(account, tables),
    createTables: freshTables,
    async stop() {
      client.destroy();
      sdk.destroy();
      await engine.stop();
    },
  };
}
