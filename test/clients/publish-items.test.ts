/** The programs of examples/ that publish within their own transaction, in Python and Go, with the AWS clients of those languages. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateTableCommand, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { adminKey, type LocalQueue, startLocalQueue } from '../support/local-queue.ts';
import { noise } from '../support/noise.ts';
import { runShell } from './shell.ts';

let queue: LocalQueue;
let orders: DynamoDBClient;
let work: string;
let aws: Record<string, string>;

beforeAll(async () => {
  queue = await startLocalQueue({ dynamodb: true });
  work = mkdtempSync(join(tmpdir(), 'dumbwaiter-items-'));
  const { endpoint, region, accessKeyId = 'any' } = queue.server.dynamodb!;
  aws = {
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: 'any',
  };
  orders = new DynamoDBClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey: 'any' } });
});
afterAll(async () => {
  orders.destroy();
  rmSync(work, { recursive: true, force: true });
  await queue.server.close();
  expect(queue.defects).toEqual([]);
});

function shell(commands: string, env: Record<string, string> = {}): Promise<string> {
  return runShell(commands, work, { ...aws, DUMBWAITER_URL: queue.server.url, DUMBWAITER_API_KEY: adminKey, ...env });
}

/** Small bodies are in the row as text, others are deflated in it, and large ones are offloaded. The last two are bytes. */
const bodies = [{ order: 1 }, Array.from({ length: 200 }, (_, n) => `line ${n % 5}`), noise(5000)];

async function publishes(name: string, run: string): Promise<void> {
  await queue.http.call('createQueue', { queue: name });
  await orders.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    }),
  );
  for (const body of bodies) {
    const printed = await shell(run, { QUEUE: name, ORDERS_TABLE: name, BODIES: JSON.stringify([body]) });
    const [id] = JSON.parse(printed.trim().split('\n').at(-1)!) as string[];
    const { messages } = await queue.http.call('receive', { queue: name }, { max: 10 });
    expect(messages.map((message) => [message.id, message.body])).toEqual([[id, body]]);
    await queue.http.call('ack', { queue: name }, { receipts: messages.map(({ receipt }) => receipt) });
  }
  expect((await orders.send(new ScanCommand({ TableName: name }))).Count).toBe(bodies.length);
}

it('a program in Python publishes within its own transaction with boto3', async () => {
  copyFileSync(join(import.meta.dirname, '../../examples/publish_items.py'), join(work, 'publish_items.py'));
  await shell('python3 -m venv venv && venv/bin/pip install -q --disable-pip-version-check boto3==1.43.11');
  await publishes('python-orders', 'venv/bin/python publish_items.py');
});

it('a program in Go publishes within its own transaction with the AWS SDK', async () => {
  copyFileSync(join(import.meta.dirname, '../../examples/publish_items.go'), join(work, 'publish_items.go'));
  const pinned = ['', '/config', '/service/dynamodb'].map((path, at) => `github.com/aws/aws-sdk-go-v2${path}@${goVersions[at]}`);
  await shell(`go mod init example && go get ${pinned.join(' ')} && go mod tidy && go build -o publish_items .`);
  await publishes('go-orders', './publish_items');
});

const goVersions = ['v1.48.0', 'v1.33.18', 'v1.74.0'];
