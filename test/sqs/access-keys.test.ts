/** Calls of SQS that the AWS SDK signs, on a server that verifies signatures. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ListQueuesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KeyInput } from '../../contract/contract.ts';
import { type LocalServer, startLocal } from '../../functions/local/server.ts';
import { startProgram } from '../support/local-program.ts';
import { adminKey, type HttpCalls, httpCalls, loggedDefects } from '../support/local-queue.ts';

let folder: string;
let server: LocalServer;
let http: HttpCalls;
const { log, defects } = loggedDefects();
const clients: SQSClient[] = [];

const startServer = () => startLocal({ data: { folder }, log, adminKey });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-sqs-'));
  server = await startServer();
  http = httpCalls(server.url, adminKey);
  await http.call('createQueue', { queue: 'orders' }, {});
  await http.call('createQueue', { queue: 'invoices' }, {});
});

afterAll(async () => {
  for (const client of clients) client.destroy();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

interface Pair {
  accessKeyId?: string;
  secretAccessKey?: string;
}

function clientOf({ accessKeyId = '', secretAccessKey = '' }: Pair, more = {}): SQSClient {
  const credentials = { accessKeyId, secretAccessKey };
  const client = new SQSClient({ endpoint: server.url, region: 'eu-central-1', credentials, maxAttempts: 1, ...more });
  clients.push(client);
  return client;
}

const newKey = (terms: Pick<KeyInput, 'queues' | 'scopes'>) =>
  http.call('createKey', {}, { name: 'shop', accessKey: true, ...terms });
const urlOf = (queue: string) => `${server.url}/000000000000/${queue}`;
const send = (client: SQSClient, queue: string) =>
  client.send(new SendMessageCommand({ QueueUrl: urlOf(queue), MessageBody: 'hi' }));

describe('the access key of an API key', () => {
  it('an AWS client may do what its API key may, on the queues that the key covers', async () => {
    const publisher = clientOf(await newKey({ queues: ['orders'], scopes: ['publish'] }));
    expect(await send(publisher, 'orders')).toMatchObject({ MessageId: expect.any(String) });
    await expect(send(publisher, 'invoices')).rejects.toMatchObject({ name: 'AccessDenied' });
    const receive = new ReceiveMessageCommand({ QueueUrl: urlOf('orders') });
    await expect(publisher.send(receive)).rejects.toMatchObject({ name: 'AccessDenied' });
    const reader = clientOf(await newKey({ queues: ['orders'], scopes: ['read'] }));
    const counted = new GetQueueAttributesCommand({ QueueUrl: urlOf('orders'), AttributeNames: ['ApproximateNumberOfMessages'] });
    expect((await reader.send(counted)).Attributes).toEqual({ ApproximateNumberOfMessages: '1' });
    for (const refused of [receive, new PurgeQueueCommand({ QueueUrl: urlOf('orders') })]) {
      await expect(reader.send(refused)).rejects.toMatchObject({ name: 'AccessDenied' });
    }
    await expect(send(reader, 'orders')).rejects.toMatchObject({ name: 'AccessDenied' });
    const receiver = clientOf(await newKey({ queues: ['orders'], scopes: ['receive'] }));
    expect((await receiver.send(receive)).Messages).toMatchObject([{ Body: 'hi' }]);
    await expect(receiver.send(new CreateQueueCommand({ QueueName: 'orders-2' }))).rejects.toMatchObject({
      name: 'AccessDenied',
    });
    const admin = clientOf(await newKey({ queues: ['orders*'], scopes: ['admin'] }));
    expect(await admin.send(new CreateQueueCommand({ QueueName: 'orders-2' }))).toMatchObject({ QueueUrl: urlOf('orders-2') });
  });

  it('a revoked access key is refused, and so is one whose secret is wrong', async () => {
    const key = await newKey({ queues: ['*'], scopes: ['publish'] });
    const client = clientOf(key);
    await send(client, 'orders');
    const wrong = clientOf({ ...key, secretAccessKey: 'wrong' });
    await expect(send(wrong, 'orders')).rejects.toMatchObject({
      name: 'SignatureDoesNotMatch',
      $metadata: { httpStatusCode: 403 },
    });
    await http.call('revokeKey', { id: key.id });
    await expect(send(client, 'orders')).rejects.toMatchObject({
      name: 'InvalidClientTokenId',
      $metadata: { httpStatusCode: 403 },
    });
  });

  it('an AWS client whose time is wrong is told so, and corrects it by the answer', async () => {
    const client = clientOf(await newKey({ queues: ['*'], scopes: ['publish'] }), { systemClockOffset: 3_600_000 });
    await expect(send(client, 'orders')).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' });
    expect(await send(client, 'orders')).toMatchObject({ MessageId: expect.any(String) });
  });

  it('a client without credentials gets an error of SQS in both protocols', async () => {
    const body = new URLSearchParams({ Action: 'ListQueues', Version: '2012-11-05' });
    const query = await fetch(server.url, { method: 'POST', body });
    expect([query.status, await query.text()]).toEqual([403, expect.stringContaining('<Code>MissingAuthenticationToken</Code>')]);
    const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.ListQueues' };
    const json = await fetch(server.url, { method: 'POST', headers, body: '{}' });
    expect([json.status, await json.json()]).toEqual([
      403,
      expect.objectContaining({ __type: expect.stringContaining('MissingAuthenticationToken') }),
    ]);
  });
});

describe('the first access key of a local server', () => {
  it('the first access key is issued at the first start, and valid after a restart, with its secret in a file of its owner', async () => {
    const first = server.firstAccessKey!;
    expect(first.isNew).toBe(true);
    await clientOf(first).send(new ListQueuesCommand({}));
    await server.close();
    server = await startServer();
    http = httpCalls(server.url, adminKey);
    expect(server.firstAccessKey).toEqual({ ...first, isNew: false });
    expect((await clientOf(first).send(new ListQueuesCommand({}))).QueueUrls).toContain(urlOf('orders'));
    expect((await stat(join(folder, 'access-key-secret'))).mode & 0o777).toBe(0o600);
  });

  it('npm start prints exports that are ready to paste, and at later starts a command for the secret', async () => {
    const data = join(folder, 'program');
    const pasted: string[] = [];
    for (const _ of [1, 2]) {
      const program = startProgram(['--data', data]);
      await program.listening;
      const exports = /^export AWS_ENDPOINT_URL_SQS[\s\S]*?(?=\n\n)/m.exec(program.output())![0];
      const shell = `${exports}; echo "$AWS_ENDPOINT_URL_SQS $AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY"`;
      const { stdout } = await promisify(execFile)('bash', ['-c', shell]);
      const [endpoint, accessKeyId, secretAccessKey] = stdout.trim().split(' ');
      pasted.push(`${accessKeyId} ${secretAccessKey}`);
      await clientOf({ accessKeyId: accessKeyId!, secretAccessKey: secretAccessKey! }, { endpoint }).send(
        new ListQueuesCommand({}),
      );
      program.process.kill('SIGTERM');
      expect(await program.ended).toBe(0);
      expect(program.output().includes(secretAccessKey!)).toBe(pasted.length === 1);
    }
    expect(pasted[1]).toBe(pasted[0]);
  });

  it('a server whose first access key was revoked shows none', async () => {
    const { keys } = (await http.call('listKeys', {})) as { keys: { id: string; accessKeyId?: string }[] };
    const { id } = keys.find(({ accessKeyId }) => accessKeyId === server.firstAccessKey!.accessKeyId)!;
    await http.call('revokeKey', { id });
    await server.close();
    server = await startServer();
    expect(server.firstAccessKey).toBeUndefined();
    expect(defects).toEqual([]);
  });
});
