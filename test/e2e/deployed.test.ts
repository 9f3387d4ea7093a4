/** The stack as `cdk deploy` creates it, in an emulated account that enforces IAM, called over both transports. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DescribeTableCommand, DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { bodyBytesMax } from '../../contract/limits.ts';
import type { ApiKey, Dumbwaiter, QueueClient, Scope } from '../../sdk/index.ts';
import { installPythonClients, type PythonClients, scenarioSees } from '../clients/sqs-in-python.ts';
import { runCommand } from '../support/command-line.ts';
import { environmentOf } from '../support/dynamodb.ts';
import type { HttpListener } from '../support/http-listener.ts';
import { expectEachOrderChargedOnce } from '../support/order-service-lives.ts';
import { startServe } from '../support/serve-program.ts';
import { startApiAtRoot } from './api-at-root.ts';
import { type Clients, createClients, onEmulator } from './clients.ts';
import { createDeployment, type Deployment, type Outputs } from './deployment.ts';
import { until } from './emulator.ts';

const declared = {
  orders: { visibilityTimeoutSeconds: 7, deadLetter: { queue: 'orders-dead', maxReceives: 2 } },
  'orders-dead': { retentionSeconds: null },
  unattended: { deadLetter: { queue: 'unattended-dead', maxReceives: 1 } },
  'unattended-dead': {},
  pulses: {},
};
const schedules = { pulse: { queue: 'pulses', everySeconds: 10, message: { body: 'beat' } } };
/** The sweep runs each minute and takes a moment. */
const sweepMsMax = 100_000;

/** The most that `getRandomValues` fills at once. */
const randomBytesMax = 65_536;

const account = inject('account');
let deployment: Deployment;
let outputs: Outputs;
let clients: Clients;
/** What the failed deployment printed, and what it left behind. */
let failed: string;
let left: Remains;

interface Remains {
  tables: string[];
  secrets: string[];
}

async function remains(): Promise<Remains> {
  const [dynamo, secrets] = [new DynamoDBClient(account), new SecretsManagerClient(account)];
  const { TableNames: tables = [] } = await dynamo.send(new ListTablesCommand({}));
  const { SecretList = [] } = await secrets.send(new ListSecretsCommand({}));
  dynamo.destroy();
  secrets.destroy();
  return { tables, secrets: SecretList.map(({ Name }) => Name!) };
}

beforeAll(async () => {
  deployment = await createDeployment(account, { stack: 'DumbwaiterEndToEnd' });
  // The first deployment fails, as it may for a user. What it leaves behind must not affect the next one.
  failed = await deployment.deployLasting({}, { lost: { queue: 'nowhere', everySeconds: 60, message: { body: 1 } } }).then(
    () => '',
    (error: Error) => error.message,
  );
  left = await remains();
  outputs = await deployment.deploy(declared, schedules);
  clients = await createClients(account, outputs);
});

afterAll(() => deployment?.clean());

describe.each(['http', 'lambda'] as const)('over %s', (transport) => {
  let client: Dumbwaiter;

  beforeAll(() => {
    client = clients[transport];
  });

  /** Queues that only this test uses. */
  async function createQueues(name: string, maxReceives = 1): Promise<{ queue: QueueClient; dead: QueueClient }> {
    const dead = client.queue(`${transport}-${name}-dead`);
    await dead.create();
    const queue = client.queue(`${transport}-${name}`);
    await queue.create({ deadLetter: { queue: dead.name, maxReceives } });
    return { queue, dead };
  }

  test('a deployed queue delivers groups in order and higher priorities first, and a call gets its answer', async () => {
    const grouped = client.queue<number>(`${transport}-groups`);
    await grouped.create();
    for (const body of [1, 2, 3]) await grouped.publish({ body, group: 'g' });
    for (const body of [1, 2, 3]) {
      const [message] = await grouped.receive({ waitSeconds: 5 });
      expect(message).toMatchObject({ body, group: 'g' });
      await message!.ack();
    }
    const urgent = client.queue<string>(`${transport}-priority`);
    await urgent.create({ priority: { levels: 2, order: 'strict' }, keep: { doneSeconds: 60, deadSeconds: 60 } });
    await urgent.publish([{ body: 'low' }, { body: 'high', priority: 1 }]);
    for (const body of ['high', 'low']) {
      const [message] = await urgent.receive({ waitSeconds: 5 });
      expect(message).toMatchObject({ body });
      await message!.ack();
    }
    const [answer] = await Promise.all([
      urgent.call('question', { timeoutSeconds: 20 }),
      urgent.receive({ waitSeconds: 10 }).then(([message]) => message!.ack({ result: 'answer' })),
    ]);
    expect(answer).toBe('answer');
  });

  test('a deployed queue delivers a published message, and the message is gone after its ack', async () => {
    const { queue } = await createQueues('round-trip');
    const message = { body: { text: 'héllo', list: [1, 2.5, null, true] }, attributes: { kind: 'greeting', weight: 3 } };
    const { id } = await queue.publish(message);
    const [received] = await queue.receive({ waitSeconds: 5 });
    expect(received).toMatchObject({ ...message, id, receives: 1 });
    await received!.ack();
    await expect(queue.get(id)).rejects.toMatchObject({ code: 'message_not_found' });
    expect(await queue.receive()).toEqual([]);
  });

  test('a deployed queue carries a hundred messages, some of them large, in one call each way', async () => {
    const { queue } = await createQueues('batch');
    const bodies = Array.from({ length: 100 }, (_, index) => `${index}:${'x'.repeat(index * 100)}`);
    const published = await queue.publish(bodies.map((body) => ({ body })));
    expect(published.filter(({ ok }) => ok)).toHaveLength(bodies.length);
    const seen = new Set<unknown>();
    while (seen.size < bodies.length) {
      const received = await queue.receive({ max: 100, waitSeconds: 5 });
      expect(received, `after ${seen.size} messages`).not.toEqual([]);
      for (const { body } of received) seen.add(body);
      expect((await queue.ack(received)).every(({ ok }) => ok)).toBe(true);
    }
    expect([...seen].sort()).toEqual([...bodies].sort());
  });

  test('a deployed queue delivers a message again when its lease expires, and refuses the late ack', async () => {
    const queue = client.queue(`${transport}-expiry`);
    await queue.create();
    const { id } = await queue.publish({ body: 'again' });
    const [first] = await queue.receive({ visibilityTimeoutSeconds: 1, waitSeconds: 5 });
    const [second] = await queue.receive({ waitSeconds: 20 });
    expect([first!.id, second!.id]).toEqual([id, id]);
    expect(second!.receives).toBe(2);
    await expect(first!.ack()).rejects.toMatchObject({ code: 'lease_lost' });
    await second!.ack();
  });

  test('a deployed queue dead-letters a failed message with its reason and redrives it to its origin', async () => {
    const { queue, dead } = await createQueues('redrive');
    await queue.publish([{ body: 'poison' }, { body: 'good' }]);
    const leased = await queue.receive({ max: 2, waitSeconds: 5 });
    const poison = leased.find(({ body }) => body === 'poison')!;
    const { id } = poison;
    expect(await poison.release({ failed: 'no such customer' })).toMatchObject({ deadLettered: true });
    await leased.find(({ body }) => body === 'good')!.ack();
    expect(await dead.get(id)).toMatchObject({
      state: 'dead',
      body: 'poison',
      deadLetter: { queue: queue.name, reason: 'max_receives', text: 'no such customer', receives: 1 },
    });
    const redrive = await dead.redrive({ reason: 'max_receives' });
    expect(await redrive.wait({ pollMs: 100 })).toMatchObject({ state: 'done', moved: 1 });
    const [again] = await queue.receive({ waitSeconds: 10 });
    expect(again).toMatchObject({ id, body: 'poison' });
    await again!.ack();
  });

  test('a deployed queue lets a receiver ack one message, extend one and release one of a single receive', async () => {
    const { queue } = await createQueues('apart', 2);
    await queue.publish(['acked', 'extended', 'released'].map((body) => ({ body })));
    const leased = await queue.receive({ max: 3, waitSeconds: 5 });
    const message = (body: string) => leased.find((one) => one.body === body)!;
    await message('acked').ack();
    await message('extended').extend(600);
    await message('released').release({ delaySeconds: 600 });
    expect((await queue.describe()).counts).toMatchObject({ leased: 1, delayed: 1, ready: 0 });
    await queue.purge();
    await queue.delete();
  });

  test('a deployed queue returns a body too large for its row unchanged, from the dead-letter queue too', async () => {
    const { queue, dead } = await createQueues('large');
    const body = new Uint8Array(bodyBytesMax);
    for (let at = 0; at < body.length; at += randomBytesMax) crypto.getRandomValues(body.subarray(at, at + randomBytesMax));
    const { id } = await queue.publish({ body });
    const [received] = await queue.receive({ waitSeconds: 5 });
    expect(Buffer.compare(received!.body as Uint8Array, body)).toBe(0);
    await received!.release({ failed: 'too large for me' });
    expect(Buffer.compare((await dead.get(id)).body as Uint8Array, body)).toBe(0);
  });

  test('a queue that the stack declares exists with its settings', async () => {
    expect(await client.queue('orders').describe()).toMatchObject(declared.orders);
    expect(await client.queue('orders-dead').describe()).toMatchObject(declared['orders-dead']);
  });
});

test('a first deployment that fails says why and keeps the protected tables, and the next one succeeds', async () => {
  expect(failed).toContain('nowhere');
  expect(left.tables).toHaveLength(3);
  expect(left.secrets).toEqual([]);
  // All other tests rest on the next deployment. (The emulator gives tables the same names again; AWS gives new ones.)
});

test('the deployed sweep dead-letters a message that no consumer receives', async () => {
  const { id } = await clients.http.queue('unattended').publish({ body: 'left alone' });
  await clients.http.queue('unattended').receive({ visibilityTimeoutSeconds: 1, waitSeconds: 5 });
  const dead = clients.http.queue('unattended-dead');
  const arrived = () =>
    dead.get(id).then(
      () => true,
      (error) => (error.code === 'message_not_found' ? false : Promise.reject(error)),
    );
  await until(arrived, sweepMsMax, 'the message is in the dead-letter queue');
  expect(await dead.get(id)).toMatchObject({ state: 'dead', deadLetter: { queue: 'unattended', reason: 'max_receives' } });
});

test('the deployed API refuses a call without a key and a call beyond the scope of its key', async () => {
  const { key } = await clients.http.keys.create({ name: 'orders only', queues: ['orders'], scopes: ['publish'] });
  await expect(clients.withKey('dw_unknown').queue('orders').describe()).rejects.toMatchObject({ code: 'unauthorized' });
  const limited = clients.withKey(key);
  await expect(limited.queue('orders').publish({ body: 1 })).resolves.toMatchObject({ ok: true });
  await expect(limited.queue('orders').receive()).rejects.toMatchObject({ code: 'forbidden' });
  await expect(limited.queue('unattended').publish({ body: 1 })).rejects.toMatchObject({ code: 'forbidden' });
});

test('a deployed key shows its latest use, and a deployed queue has a secret that signs its requests', async () => {
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  const { key, id, lastUsedAt } = await clients.http.keys.create({
    name: 'guest',
    queues: ['orders'],
    scopes: ['publish'],
    expiresAt,
  });
  expect(lastUsedAt).toBeNull();
  await clients.withKey(key).queue('orders').describe();
  const keys: ApiKey[] = [];
  for await (const one of clients.http.keys.list()) keys.push(one);
  expect(keys.find((one) => one.id === id)).toMatchObject({ expiresAt, lastUsedAt: expect.stringMatching(/Z$/) });
  for (const client of [clients.http, clients.lambda]) {
    expect(await client.queue('orders').rotateSigningSecret()).toMatch(/^whsec_/);
  }
  await expect(clients.receiveOnly.queue('orders').rotateSigningSecret()).rejects.toMatchObject({ code: 'forbidden' });
});

test('a schedule that the stack declares publishes its message', async () => {
  const pulses = clients.http.queue('pulses');
  expect(await clients.http.schedules.get('pulse')).toMatchObject({ everySeconds: 10, paused: false });
  const [message] = await pulses.receive({ waitSeconds: 15 });
  expect(message).toMatchObject({ body: 'beat', attributes: { schedule: 'pulse' } });
  await clients.http.schedules.pause('pulse');
});

test('the functions for publishing and for receiving do only that', async () => {
  const { publishOnly, receiveOnly } = clients;
  const name = 'doors';
  await clients.http.queue(name).create();
  const [, waiting] = await publishOnly
    .queue(name)
    .publish([
      { body: 'through the door' },
      { body: 'not yet', delaySeconds: 60 },
      { body: 'first', group: 'g' },
      { body: 'second', group: 'g' },
    ]);
  if (!waiting?.ok) throw new Error('it was not published');
  await publishOnly.queue(name).edit(waiting.id, { body: 'never' });
  await publishOnly.queue(name).cancel(waiting.id);
  const { items: recorded } = await clients.http.audit({ queue: name }).first();
  expect(recorded).toMatchObject([
    { operation: 'cancelMessage', key: { id: 'iam' } },
    { operation: 'updateMessage', key: { id: 'iam' } },
    { operation: 'createQueue', key: { id: 'admin' } },
  ]);
  expect(await publishOnly.queue(name).describe()).toMatchObject({ counts: { ready: 3, delayed: 0 } });
  const messages = await receiveOnly.queue(name).receive({ max: 3, waitSeconds: 5 });
  expect(messages.map(({ body }) => body).sort()).toEqual(['first', 'second', 'through the door']);
  await receiveOnly.queue(name).ack(messages);
  await expect(publishOnly.queue(name).receive()).rejects.toMatchObject({ code: 'forbidden' });
  await expect(publishOnly.queue(name).delete()).rejects.toMatchObject({ code: 'forbidden' });
  await expect(receiveOnly.queue(name).publish({ body: 1 })).rejects.toMatchObject({ code: 'forbidden' });
  await expect(receiveOnly.keys.create({ name: 'x', queues: ['*'], scopes: ['admin'] })).rejects.toMatchObject({
    code: 'forbidden',
  });
});

test('the order service of the examples charges each order once on deployed tables, wherever it is killed', async () => {
  const client = new DynamoDBClient(account);
  const tables = { messages: outputs.MessagesTableName, leases: outputs.LeasesTableName, queues: outputs.QueuesTableName };
  await expectEachOrderChargedOnce({ client, tables, environment: environmentOf(account, tables) });
  client.destroy();
}, 240_000);

test('a server on the deployed tables works beside the functions, with the admin key of the deployment', async () => {
  const tables = { messages: outputs.MessagesTableName, leases: outputs.LeasesTableName, queues: outputs.QueuesTableName };
  const server = startServe([process.execPath, 'functions/serve/serve.ts', '--host', '127.0.0.1'], {
    ...environmentOf(account, tables),
    AWS_ENDPOINT_URL: account.endpoint,
    DUMBWAITER_ADMIN_KEY_SECRET: outputs.AdminKeySecretArn,
  });
  const { url } = await server.listening;
  const onServer = clients.withKey(clients.adminKey, url).queue('beside');
  const onLambda = clients.http.queue('beside');
  await onServer.create();
  await onServer.publish({ body: 'from the server' });
  const [received] = await onLambda.receive({ waitSeconds: 5 });
  expect(received).toMatchObject({ body: 'from the server' });
  const waiting = onServer.receive({ waitSeconds: 20 });
  await onLambda.publish({ body: 'from a function' });
  const [answer] = await waiting;
  expect(answer).toMatchObject({ body: 'from a function' });
  await onServer.ack([received!, answer!]);
  server.process.kill('SIGTERM');
  expect(await server.ended).toBe(0);
  expect(server.errors()).toBe('');
});

test('the status tells that the tables can be read and when the last sweep ended', async () => {
  await until(async () => (await clients.http.status()).lastSweep !== null, sweepMsMax, 'a sweep has ended');
  const status = await clients.http.status();
  expect(status).toMatchObject({ store: { kind: 'dynamodb', error: null }, lastSweep: { failedQueues: 0 } });
});

test('the command line reads the URL and the key of the deployment from its stack', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-context-'));
  const config = join(folder, 'contexts.json');
  const { code, err } = await runCommand(['context', 'add', 'deployed', '--stack', 'DumbwaiterEndToEnd', '--keep-key'], {
    DUMBWAITER_CONFIG: config,
    AWS_ENDPOINT_URL: account.endpoint,
    AWS_REGION: account.region,
    AWS_ACCESS_KEY_ID: account.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: account.credentials.secretAccessKey,
  });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const { deployments } = JSON.parse(await readFile(config, 'utf8'));
  expect(deployments).toEqual({ deployed: { url: outputs.ApiUrl, apiKey: clients.adminKey } });
  await rm(folder, { recursive: true });
});

test('the console is served with its script, and its key lists queues at the same address', async () => {
  const api = await startApiAtRoot(onEmulator(account, outputs.ConsoleUrl).replace(/\/console$/, ''));
  const page = await fetch(`${api.url}/console`);
  expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
  const [, base, script] = /<base href="([^"]+)"[\s\S]*src="([^"]+)"/.exec(await page.text())!;
  const code = await fetch(new URL(script!, new URL(base!, api.url)));
  expect(code.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  expect(code.headers.get('cache-control')).toContain('immutable');
  expect((await code.text()).length).toBeGreaterThan(50_000);
  const inside = await fetch(`${api.url}/console/queues/orders/messages`);
  expect(await inside.text()).toContain(script);
  const client = clients.withKey(clients.adminKey, new URL('..', new URL(base!, api.url)).href.replace(/\/$/, ''));
  const [first] = (await client.queues({ prefix: 'orders' }).first()).items;
  expect(first?.name).toBe('orders');
  expect((await client.keys.own()).environment).toEqual({ name: 'end-to-end', color: 'blue' });
  await api.close();
});

describe('SQS', () => {
  /** Version 1 of the AWS CLI does not read the variable. */
  const aws = 'aws --endpoint-url "$AWS_ENDPOINT_URL_SQS" sqs';
  let programs: PythonClients;
  let api: HttpListener;

  beforeAll(async () => {
    programs = await installPythonClients();
    api = await startApiAtRoot(onEmulator(account, outputs.SqsEndpointUrl));
  });
  afterAll(async () => {
    programs?.close();
    await api?.close();
  });

  async function newAccessKey(scopes: Scope[]): Promise<Record<string, string>> {
    const terms = { name: 'for SQS', queues: ['*'], scopes, accessKey: true };
    const { accessKeyId = '', secretAccessKey = '' } = await clients.http.keys.create(terms);
    return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  }

  test('the program in boto3 for a FIFO queue runs on the deployed API', async () => {
    const pair = await newAccessKey(['publish', 'receive', 'admin']);
    const seen = await programs.scenario('sqs-fifo-scenario.py', 'ordered', { ...pair, AWS_ENDPOINT_URL_SQS: api.url });
    expect(seen).toMatchObject({ duplicate: true, order: ['a0', 'a1', 'a2', 'a3', 'a4'], blocked: [] });
  });

  test('the program in boto3 that runs on a laptop runs on the deployed API, signed with an access key', async () => {
    const pair = await newAccessKey(['publish', 'receive', 'admin']);
    expect(await programs.scenario('sqs-scenario.py', 'deployed', { ...pair, AWS_ENDPOINT_URL_SQS: api.url })).toEqual(
      scenarioSees,
    );
  });

  test('the AWS CLI may do what its access key may, and a wrong secret is refused', async () => {
    const pair = { ...(await newAccessKey(['publish'])), AWS_ENDPOINT_URL_SQS: api.url };
    const sent = `${aws} send-message --queue-url orders --message-body hello`;
    expect(JSON.parse(await programs.shell(sent, pair))).toMatchObject({ MessageId: expect.any(String) });
    const received = programs.shell(`${aws} receive-message --queue-url orders`, pair);
    await expect(received).rejects.toThrow('AccessDenied');
    const wrong = programs.shell(sent, { ...pair, AWS_SECRET_ACCESS_KEY: 'wrong' });
    await expect(wrong).rejects.toThrow('SignatureDoesNotMatch');
  });

  test('a server on the deployed tables serves SQS to an access key of the deployment', async () => {
    const pair = await newAccessKey(['publish', 'receive', 'admin']);
    const tables = { messages: outputs.MessagesTableName, leases: outputs.LeasesTableName, queues: outputs.QueuesTableName };
    const server = startServe([process.execPath, 'functions/serve/serve.ts', '--host', '127.0.0.1'], {
      ...environmentOf(account, tables),
      AWS_ENDPOINT_URL: account.endpoint,
      DUMBWAITER_ACCESS_KEY_SECRET: outputs.AccessKeySecretArn,
    });
    const { url } = await server.listening;
    const listed = await programs.shell(`${aws} list-queues`, { ...pair, AWS_ENDPOINT_URL_SQS: url });
    expect(JSON.parse(listed).QueueUrls).toContain(`${url}/000000000000/orders`);
    server.process.kill('SIGTERM');
    expect(await server.ended).toBe(0);
  });
});

test('a second deployment changes declared settings and keeps the messages', async () => {
  const { id } = await clients.http.queue('orders').publish({ body: 'still here' });
  const changed = { ...declared, orders: { ...declared.orders, visibilityTimeoutSeconds: 9 }, invoices: {} };
  expect(await deployment.deploy(changed, schedules)).toEqual(outputs);
  expect(await clients.http.schedules.get('pulse')).toMatchObject({ paused: true });
  expect(await clients.http.queue('orders').describe()).toMatchObject({ visibilityTimeoutSeconds: 9 });
  expect(await clients.http.queue('invoices').describe()).toMatchObject({ name: 'invoices' });
  expect(await clients.http.queue('orders').get(id)).toMatchObject({ body: 'still here' });
});

test('cdk destroy deletes the tables', async () => {
  await deployment.destroy();
  const dynamo = new DynamoDBClient(account);
  for (const TableName of [outputs.MessagesTableName, outputs.LeasesTableName, outputs.QueuesTableName]) {
    await expect(dynamo.send(new DescribeTableCommand({ TableName }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  }
  dynamo.destroy();
});
