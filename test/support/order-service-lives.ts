/** Runs and kills the order service of the examples many times on the given tables. In the end each order is charged once. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { expect } from 'vitest';
import { directTransport } from '../../direct/transport.ts';
import type { TableNames } from '../../engine/dynamo/tables.ts';
import { seededRandom } from '../../engine/port/random.ts';
import { Dumbwaiter } from '../../sdk/index.ts';
import { testSeed } from './seed.ts';

const example = fileURLToPath(new URL('../../examples/order-service.ts', import.meta.url));
const child = fileURLToPath(new URL('order-service-child.ts', import.meta.url));
const requestsMax = 100;
/** Settings, transaction; then settings, two looks, lease, removal, transaction. */
const stepsMin = 8;
const randomKills = 6;
/** About as long as a life takes. */
const lifeMsMax = 1_500;
const lastLivesMax = 20;

export interface Place {
  client: DynamoDBClient;
  tables: TableNames;
  /** The variables with which a process finds them. */
  environment: Record<string, string>;
}

interface Life {
  placed: string[];
  killed: boolean;
}

/** Kills the service before each of its requests to DynamoDB, and at random. Then asserts what the table of orders holds. */
export async function expectEachOrderChargedOnce({ client, tables, environment }: Place): Promise<void> {
  const env = { ...process.env, ...environment };
  const random = seededRandom(testSeed);
  const placed: string[] = [];
  let orders = 0;

  /** Runs the process until it ends or is killed. */
  async function run(args: string[], killMs?: number): Promise<Life> {
    const running = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    const said = { out: '', err: '' };
    running.stdout.on('data', (data) => {
      said.out += data;
    });
    running.stderr.on('data', (data) => {
      said.err += data;
    });
    const killing = killMs === undefined ? undefined : setTimeout(() => running.kill('SIGKILL'), killMs);
    const [code, signal] = (await once(running, 'close')) as [number | null, NodeJS.Signals | null];
    clearTimeout(killing);
    const killed = signal === 'SIGKILL';
    expect({ code, err: said.err }).toEqual({ code: killed ? null : 0, err: '' });
    return { placed: [...said.out.matchAll(/^placed (\S+)$/gm)].map((match) => match[1]!), killed };
  }

  /** One life with a new order. It is killed before the request of this number (0 for none), or after `killMs`. */
  async function live(request: number, killMs?: number): Promise<Life> {
    orders++;
    const life = await run([child, `order-${orders}`, String(2 ** (orders % 20)), String(request)], killMs);
    placed.push(...life.placed);
    return life;
  }

  await run([example]);
  let kills = 0;
  while ((await live(kills + 1)).killed) expect(++kills, 'the service does not come to its end').toBeLessThan(requestsMax);
  expect(kills).toBeGreaterThanOrEqual(stepsMin);
  for (let kill = 0; kill < randomKills; kill++) await live(0, random.number() * lifeMsMax);

  const transport = directTransport({ client, tables });
  const queue = new Dumbwaiter({ transport }).queue('orders-placed');
  for (let lives = 0; ; lives++) {
    const { ready, leased, delayed } = (await queue.describe()).counts;
    if (ready + leased + delayed === 0) break;
    expect(lives, 'some order is never processed').toBeLessThan(lastLivesMax);
    await live(0);
  }
  await transport.close();

  const { Items: rows = [] } = await client.send(new ScanCommand({ TableName: 'orders', ConsistentRead: true }));
  const charged = new Map(rows.map(({ id, charged: sum }) => [id!.S!, sum?.N]));
  const amounts = rows.filter(({ id }) => id!.S !== 'till').map(({ id, amount }) => [id!.S!, amount!.N!] as const);
  // Each order that was reported as placed has its row. An unreported one may have it, too.
  expect(amounts.map(([id]) => id)).toEqual(expect.arrayContaining(placed));
  for (const [id, amount] of amounts) expect([id, charged.get(id)], `seed ${testSeed}`).toEqual([id, amount]);
  expect(Number(charged.get('till')), `seed ${testSeed}`).toBe(amounts.reduce((sum, [, amount]) => sum + Number(amount), 0));
}
