/** `npm run serve` as a program, on the tables of a real DynamoDB engine. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { CreateQueueCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fullAccess } from '../../contract/scopes.ts';
import { wakePath } from '../../contract/wake.ts';
import { startTestDynamodb, type TestDynamodb } from '../support/dynamodb.ts';
import { eventually } from '../support/eventually.ts';
import { startFaultyEndpoint } from '../support/faulty-endpoint.ts';
import { type HttpListener, listen } from '../support/http-listener.ts';
import type { LocalProgram } from '../support/local-program.ts';
import { httpCalls } from '../support/local-queue.ts';
import { logOf, startServe } from '../support/serve-program.ts';

const key = 'the-admin-key';
let dynamodb: TestDynamodb;
let environment: NodeJS.ProcessEnv;
let programs: LocalProgram[];

beforeAll(async () => {
  dynamodb = await startTestDynamodb();
});
afterAll(() => dynamodb.stop());
beforeEach(() => {
  environment = { ...dynamodb.environment, DUMBWAITER_API_KEY: key };
  programs = [];
});
afterEach(async () => {
  for (const program of programs) program.process.kill('SIGKILL');
  await Promise.all(programs.map(({ ended }) => ended));
});

function start(changes: NodeJS.ProcessEnv = {}, options: string[] = []): LocalProgram {
  const words = ['functions/serve/serve.ts', '--host', '127.0.0.1', ...options];
  const program = startServe([process.execPath, ...words], { ...environment, ...changes });
  programs.push(program);
  return program;
}

async function calls(program: LocalProgram, as = key) {
  return httpCalls((await program.listening).url, as);
}

/** Whether a server takes no more connections. */
async function isGone(program: LocalProgram): Promise<boolean> {
  const { url } = await program.listening;
  return fetch(`${url}/v1/health`).then(
    () => false,
    () => true,
  );
}

describe('npm run serve', () => {
  it('npm run serve is what package.json starts', async () => {
    const { default: manifest } = await import('../../package.json', { with: { type: 'json' } });
    expect(manifest.scripts.serve).toBe(
      'node --max-semi-space-size=2 --import ./functions/local/check-node.mjs functions/serve/serve.ts',
    );
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('npm run serve ends a receive that waits on %s and exits with 0', async (signal) => {
    const program = start();
    const http = await calls(program);
    const queue = `stopped-by-${signal.toLowerCase()}`;
    await http.call('createQueue', { queue });
    const waiting = http.call('receive', { queue }, { waitSeconds: 20 });
    // The receive waits as soon as a later request has been answered.
    await http.call('getQueue', { queue });
    program.process.kill(signal);
    expect(await waiting).toEqual({ messages: [], waitIsCheap: true, wakeUrl: wakePath });
    expect(await program.ended).toBe(0);
    expect(program.errors()).toBe('');
    expect(logOf(program).at(-1)).toMatchObject({ level: 'INFO', message: 'Stopped' });
  });

  it('npm run serve finishes a call in progress before it ends', async () => {
    const [held, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const slow = await startFaultyEndpoint(dynamodb.endpoint);
    slow.onRequest = async ({ body }) => {
      if (!JSON.stringify(body).includes('in progress')) return;
      held.resolve();
      await release.promise;
    };
    const program = start({ AWS_ENDPOINT_URL_DYNAMODB: slow.url });
    const http = await calls(program);
    await http.call('createQueue', { queue: 'slow' });
    const published = http.call('publish', { queue: 'slow' }, { messages: [{ body: 'in progress' }] });
    await held.promise;
    program.process.kill('SIGTERM');
    await eventually(() => isGone(program));
    release.resolve();
    expect((await published).results).toMatchObject([{ ok: true }]);
    expect(await program.ended).toBe(0);
    await slow.stop();
  });

  it('npm run serve ends in time while DynamoDB does not answer its sweep and its calls', async () => {
    const silent = await startFaultyEndpoint(dynamodb.endpoint);
    const readsAtStart = 3;
    silent.onRequest = () => silent.seen.length > readsAtStart && silent.fates.push('hang');
    const program = start({ AWS_ENDPOINT_URL_DYNAMODB: silent.url });
    const http = await calls(program);
    const cut = http.send('GET', '/v1/queues').catch(() => undefined);
    await eventually(() => silent.seen.length > readsAtStart + 1);
    program.process.kill('SIGTERM');
    expect(await program.ended).toBe(0);
    expect(logOf(program).at(-1)).toMatchObject({ level: 'WARN', message: 'Stopped before everything had ended' });
    await cut;
    await silent.stop();
  });

  it('npm run serve ends when a signal ends npm', async () => {
    const program = startServe(['npm', 'run', 'serve', '--', '--host', '127.0.0.1'], environment);
    programs.push(program);
    await program.listening;
    program.process.kill('SIGTERM');
    await eventually(() => isGone(program));
  });

  it('npm run serve logs each call as a line of JSON, without keys', async () => {
    const program = start();
    const http = await calls(program);
    await http.call('listQueues', {});
    await http.as('wrong').send('GET', '/v1/queues');
    const answered = await eventually(() => {
      const lines = logOf(program).filter(({ operation }) => operation === 'listQueues');
      return lines.length === 2 && lines;
    });
    expect(answered).toMatchObject([
      { level: 'INFO', service: 'dumbwaiter-serve', status: 200 },
      { level: 'INFO', service: 'dumbwaiter-serve', status: 401 },
    ]);
    expect(program.output()).not.toContain(key);
  });

  it('npm run serve runs redrives in its process', async () => {
    const http = await calls(start());
    await http.call('createQueue', { queue: 'redriven-dead' });
    await http.call('createQueue', { queue: 'redriven' }, { deadLetter: { queue: 'redriven-dead', maxReceives: 3 } });
    await http.call('publish', { queue: 'redriven' }, { messages: [{ body: 'again' }] });
    const { messages } = await http.call('receive', { queue: 'redriven' }, {});
    await http.call('release', { queue: 'redriven' }, { receipts: [messages[0]!.receipt], deadLetter: true });
    const { id } = await http.call('redrive', { queue: 'redriven-dead' }, {});
    const where = { queue: 'redriven-dead', task: id };
    await eventually(async () => (await http.call('getRedrive', where)).state === 'done');
    const back = await http.call('receive', { queue: 'redriven' }, {});
    expect(back.messages.map(({ body }) => body)).toEqual(['again']);
  });

  it('npm run serve asks no publisher at a private address about a prepared message', async () => {
    let asked = 0;
    const publisher = await listen((_, response) => {
      asked++;
      response.end('{"outcome":"commit"}');
    });
    const http = await calls(start());
    const prepared = { timeoutSeconds: 1, checkBack: { url: publisher.url } };
    await http.call('createQueue', { queue: 'asking' }, { prepared });
    await http.call('publish', { queue: 'asking' }, { messages: [{ body: 1, prepared: true }] });
    const askable = Date.now() + 1_500;
    await eventually(() => Date.now() > askable);
    // A server sweeps at its start.
    const sweeping = start();
    const refusal = await eventually(() => logOf(sweeping).find(({ kind }) => kind === 'check_back_failed'));
    expect(refusal).toMatchObject({ level: 'WARN', queue: 'asking', reason: expect.stringContaining('127.0.0.1') });
    expect(asked).toBe(0);
    await publisher.close();
  });
});

describe('the secrets of npm run serve', () => {
  const secretArn = 'arn:aws:secretsmanager:us-east-1:111122223333:secret:AdminKey-a1b2c3';
  const accessKeySecretArn = 'arn:aws:secretsmanager:us-east-1:111122223333:secret:AccessKeySecret-d4e5f6';
  let secretsManager: HttpListener;
  let names: unknown[];

  beforeEach(async () => {
    names = [];
    secretsManager = await listen(async (request, response) => {
      const { SecretId } = JSON.parse(Buffer.concat(await request.toArray()).toString());
      names.push(SecretId);
      if (SecretId === secretArn || SecretId === accessKeySecretArn)
        response.end(JSON.stringify({ SecretString: 'from-the-secret' }));
      else response.writeHead(400).end(JSON.stringify({ __type: 'ResourceNotFoundException' }));
    });
  });
  afterEach(() => secretsManager.close());
  const bySecret = (arn: string) => ({
    DUMBWAITER_API_KEY: '',
    DUMBWAITER_ADMIN_KEY_SECRET: arn,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.url,
  });

  it('npm run serve takes the admin key from the secret of the deployment', async () => {
    const http = await calls(start(bySecret(secretArn)), 'from-the-secret');
    await http.call('listKeys', {});
    expect((await http.as('another').send('GET', '/v1/keys')).status).toBe(401);
    expect(names[0]).toBe(secretArn);
  });

  it('npm run serve takes an admin key from the environment before the one of the secret', async () => {
    const http = await calls(start({ ...bySecret(secretArn), DUMBWAITER_API_KEY: key }));
    await http.call('listKeys', {});
    expect(names).toEqual([]);
  });

  it('npm run serve fails with one line if the secret cannot be read', async () => {
    const line = await failureOf(start(bySecret(`${secretArn}-gone`)));
    expect(line).toMatch(/^The secret arn:.*-gone cannot be read: correct DUMBWAITER_ADMIN_KEY_SECRET.*ResourceNotFound/);
  });

  it('npm run serve serves SQS with the secret of access keys of the deployment, which all its servers share', async () => {
    const bySecrets = { ...bySecret(secretArn), DUMBWAITER_ACCESS_KEY_SECRET: accessKeySecretArn };
    const [one, other] = [start(bySecrets), start(bySecrets)];
    const http = await calls(one, 'from-the-secret');
    const terms = { name: 'shop', queues: ['*'], scopes: [...fullAccess], accessKey: true };
    const { accessKeyId = '', secretAccessKey = '' } = await http.call('createKey', {}, terms);
    const { url: endpoint } = await other.listening;
    const sqs = new SQSClient({ endpoint, region: 'eu-west-1', credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1 });
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'by-sqs' }));
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'from a client of SQS' }));
    const { messages } = await http.call('receive', { queue: 'by-sqs' }, {});
    expect(messages).toMatchObject([{ body: 'from a client of SQS' }]);
    sqs.destroy();
  });

  it('npm run serve fails with one line if the secret of access keys cannot be read', async () => {
    const changes = { ...bySecret(secretArn), DUMBWAITER_ACCESS_KEY_SECRET: `${accessKeySecretArn}-gone` };
    const line = await failureOf(start(changes));
    expect(line).toMatch(/^The secret arn:.*-gone cannot be read: correct DUMBWAITER_ACCESS_KEY_SECRET.*ResourceNotFound/);
  });

  it('npm run serve without the secret of access keys issues none', async () => {
    const http = await calls(start());
    const refused = await http.send('POST', '/v1/keys', {
      body: { name: 'shop', queues: ['*'], scopes: ['publish'], accessKey: true },
    });
    expect(refused.status).toBe(400);
  });
});

/** The one line that a program printed before it ended with this code. */
async function failureOf(program: LocalProgram, code = 1): Promise<string> {
  expect(await program.ended).toBe(code);
  expect(program.output()).toBe('');
  const lines = program.errors().trimEnd().split('\n');
  expect(lines).toHaveLength(1);
  return lines[0]!;
}

describe('the failures of npm run serve', () => {
  const unset = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
  const failures: [what: string, changes: () => NodeJS.ProcessEnv, line: RegExp][] = [
    [
      'one variable',
      () => ({ DUMBWAITER_LEASES_TABLE: '' }),
      /^Not set: DUMBWAITER_LEASES_TABLE \(or --leases-table\)\. The outputs/,
    ],
    [
      'a region',
      () => ({ AWS_REGION: undefined, AWS_DEFAULT_REGION: undefined }),
      /^No AWS region is configured: set AWS_REGION/,
    ],
    ['credentials', () => unset, /^No AWS credentials were found: give this process a role, or set AWS_PROFILE/],
    [
      'a table',
      () => ({ DUMBWAITER_QUEUES_TABLE: 'gone' }),
      /^There is no table gone in us-east-1: deploy first, or correct DUMBWAITER_QUEUES_TABLE/,
    ],
    [
      'the right table',
      () => ({ DUMBWAITER_MESSAGES_TABLE: dynamodb.tables.leases }),
      /does not hold the messages of a queue: correct DUMBWAITER_MESSAGES_TABLE/,
    ],
    [
      'a DynamoDB that answers',
      () => ({ AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:1' }),
      /^The table .* cannot be read: correct .*ECONNREFUSED/,
    ],
  ];

  it.each(failures)('npm run serve fails with one line without %s', async (what, changes, line) => {
    // Without a variable, it is called wrongly.
    expect(await failureOf(start(changes()), what === 'one variable' ? 2 : 1)).toMatch(line);
  });

  it('npm run serve creates no table', async () => {
    const tables = async () => (await dynamodb.sdk.send(new ListTablesCommand())).TableNames;
    const before = await tables();
    await failureOf(start({ DUMBWAITER_MESSAGES_TABLE: 'm', DUMBWAITER_LEASES_TABLE: 'l', DUMBWAITER_QUEUES_TABLE: 'q' }));
    expect(await tables()).toEqual(before);
  });

  it('npm run serve fails with one line if its port is taken or an option is invalid', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    expect(await failureOf(start({}, ['--port', String(port)]))).toBe(
      `Port ${port} of 127.0.0.1 is taken: choose another with --port.`,
    );
    taken.close();
    expect(await failureOf(start({ DUMBWAITER_PORT: '70000' }))).toContain('DUMBWAITER_PORT');
    expect(await failureOf(start({}, ['--nonsense']))).toContain('--nonsense');
  });
});
