/** The order service of the examples, killed at each step and at random: each order is charged once. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { seededRandom } from '../../engine/random.ts';
import { orderService } from '../../examples/order-service.ts';
import { startTestDynamodb, type TestDynamodb, testCredentials, testRegion } from '../dynamodb.ts';
import { testSeed } from '../seed.ts';

const child = join(dirname(fileURLToPath(import.meta.url)), 'order-service-child.ts');
const requestsMax = 40;
const randomKills = 6;
/** About as long as a life takes. */
const lifeMsMax = 1_500;

let dynamodb: TestDynamodb;

beforeAll(async () => {
  dynamodb = await startTestDynamodb();
  const { messages, leases, queues } = dynamodb.tables;
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
    AWS_REGION: testRegion,
    AWS_ACCESS_KEY_ID: testCredentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: testCredentials.secretAccessKey,
    DUMBWAITER_MESSAGES_TABLE: messages,
    DUMBWAITER_LEASES_TABLE: leases,
    DUMBWAITER_QUEUES_TABLE: queues,
  });
});
afterAll(() => dynamodb.stop());

interface Life {
  placed: string[];
  killed: boolean;
}

/** Runs the service with one new order; it ends by itself, or is killed after `killMs`. */
async function live(order: { id: string; amount: number }, request: number, killMs?: number): Promise<Life> {
  const args = [child, order.id, String(order.amount), String(request)];
  const running = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  running.stdout.on('data', (data) => {
    out += data;
  });
  running.stderr.on('data', (data) => {
    err += data;
  });
  const ended = once(running, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  if (killMs !== undefined) void delay(killMs).then(() => running.kill('SIGKILL'));
  const [code, signal] = await ended;
  expect({ code, err }).toEqual({ code: signal === 'SIGKILL' ? null : 0, err: '' });
  return { placed: [...out.matchAll(/^placed (\S+)$/gm)].map((match) => match[1]!), killed: signal === 'SIGKILL' };
}

it('charges each order once, killed before each request, and at any time', async () => {
  const client = new DynamoDBClient();
  const service = orderService(client);
  await service.open();
  const random = seededRandom(testSeed);
  const told = `seed ${testSeed}`;
  const placed: string[] = [];
  const amounts = new Map<string, number>();
  const order = () => {
    const id = `order-${amounts.size + 1}`;
    const amount = 2 ** (amounts.size % 20);
    amounts.set(id, amount);
    return { id, amount };
  };

  let kills = 0;
  for (let request = 1; ; request++) {
    expect(request, 'the service does not come to its end').toBeLessThan(requestsMax);
    const life = await live(order(), request);
    placed.push(...life.placed);
    if (!life.killed) break;
    kills++;
  }
  // Settings, transaction; then settings, two looks, lease, removal, transaction.
  expect(kills).toBeGreaterThanOrEqual(8);
  for (let kill = 0; kill < randomKills; kill++) placed.push(...(await live(order(), 0, random.number() * lifeMsMax)).placed);

  const consumer = service.work();
  await vi.waitFor(
    async () => expect((await service.placed.describe()).counts).toMatchObject({ ready: 0, leased: 0, delayed: 0 }),
    { timeout: 60_000, interval: 200 },
  );
  await consumer.stop();

  const { Items: rows = [] } = await client.send(new ScanCommand({ TableName: 'orders', ConsistentRead: true }));
  const orders = rows.filter(({ id }) => id?.S !== 'till');
  // Whoever was told that his order is placed has it; of the others the row says whether it is.
  expect(orders.map(({ id }) => id!.S)).toEqual(expect.arrayContaining(placed));
  for (const { id, amount, charged } of orders) expect([id!.S, charged?.N], told).toEqual([id!.S, amount!.N]);
  expect(await service.inTheTill(), told).toBe(orders.reduce((sum, { amount }) => sum + Number(amount!.N), 0));
}, 240_000);
