/** The bridge of docs/coming-from-sqs.md moves the messages of another SQS server, fauxqs, here, although it is killed again and again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  type MessageAttributeValue,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PeerServer, startFauxqs } from '../../bench/peers/servers.ts';
import { seededRandom } from '../../engine/port/random.ts';
import { type LocalServer, startLocal } from '../../functions/local/server.ts';
import { adminKey, loggedDefects } from '../support/local-queue.ts';
import { sqsClient } from '../support/local-sqs.ts';
import { testSeed } from '../support/seed.ts';
import { runShell } from './shell.ts';

const root = join(import.meta.dirname, '../..');
const count = 300;
const lives = 8;
const publishesMax = 4;
const killMsMax = 20;

let source: PeerServer;
let sqs: SQSClient;
let server: LocalServer;
let here: SQSClient;
const { log, defects } = loggedDefects();
/** Called for each publish that is answered. */
let published = () => {};

beforeAll(async () => {
  await runShell('npm ci --prefix bench/peers --no-audit --no-fund', root, {});
  source = await startFauxqs();
  sqs = sqsClient(source.url);
  const info = (_: string, { operation }: { operation?: unknown }) => operation === 'publish' && published();
  server = await startLocal({ data: 'memory', log: { ...log, info }, adminKey, sqsAnonymous: true });
  here = sqsClient(server.url);
});
afterAll(async () => {
  expect(defects).toEqual([]);
  sqs?.destroy();
  here?.destroy();
  await source?.stop();
  await server?.close();
});

function startBridge(sourceUrl: string, queue: string): { child: ChildProcess; said(): string } {
  const env = {
    ...process.env,
    DUMBWAITER_URL: server.url,
    DUMBWAITER_API_KEY: adminKey,
    AWS_ACCESS_KEY_ID: 'any',
    AWS_SECRET_ACCESS_KEY: 'any',
    AWS_REGION: 'us-east-1',
  };
  const child = spawn(process.execPath, ['examples/coming-from/sqs/bridge.ts', sourceUrl, queue], { cwd: root, env });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      said += data;
    });
  }
  return { child, said: () => said };
}

const attributesOf = (at: number): Record<string, MessageAttributeValue> => ({
  at: { DataType: 'Number', StringValue: String(at) },
  digits: { DataType: 'Number', StringValue: '1.50' },
  kind: { DataType: 'String', StringValue: 'größe' },
  größe: { DataType: 'String', StringValue: 'x' },
  bytes: { DataType: 'Binary', BinaryValue: Uint8Array.of(0, 255, at % 256) },
});

it(`the bridge moves each message once, with its attributes, although it is killed at random moments (seed ${testSeed})`, async () => {
  const random = seededRandom(testSeed);
  const attributes = { VisibilityTimeout: '2' };
  await sqs.send(new CreateQueueCommand({ QueueName: 'old', Attributes: attributes }));
  // The host in fauxqs's own answer is no name of this machine.
  const QueueUrl = `${source.url}/000000000000/old`;
  for (let at = 0; at < count; at++) {
    const message = { QueueUrl, MessageBody: `message ${at}`, MessageAttributes: attributesOf(at) };
    await sqs.send(new SendMessageCommand(message));
  }
  const queue = 'moved';
  const { QueueUrl: newUrl } = await here.send(new CreateQueueCommand({ QueueName: queue }));

  // A consumer works meanwhile, so that messages come again after they were deleted here.
  const received: [body: string, attributes: object][] = [];
  let isOver = false;
  const consuming = (async () => {
    for (let isEmpty = false; !(isOver && isEmpty); ) {
      const asked = { QueueUrl: newUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, MessageAttributeNames: ['All'] };
      const { Messages = [] } = await here.send(new ReceiveMessageCommand(asked));
      isEmpty = Messages.length === 0;
      for (const { Body, MessageAttributes } of Messages) received.push([Body!, MessageAttributes!]);
      const Entries = Messages.map(({ MessageId, ReceiptHandle }) => ({ Id: MessageId, ReceiptHandle }));
      if (!isEmpty) await here.send(new DeleteMessageBatchCommand({ QueueUrl: newUrl, Entries }));
    }
  })();

  for (let life = 0; life < lives; life++) {
    let left = 1 + Math.floor(random.number() * publishesMax);
    const { child, said } = startBridge(QueueUrl, queue);
    await new Promise<void>((resolve, reject) => {
      child.once('exit', () => reject(new Error(`The bridge ended in life ${life}: ${said()}`)));
      published = () => {
        if (--left === 0) resolve();
      };
    });
    await delay(random.number() * killMsMax);
    child.removeAllListeners('exit').kill('SIGKILL');
    await once(child, 'close');
  }
  published = () => {};
  const last = startBridge(QueueUrl, queue);
  const [code] = await once(last.child, 'close');
  expect(code, last.said()).toBe(0);
  expect(last.said()).toMatch(/^moved \d+\n$/);
  isOver = true;
  await consuming;
  const bodies = received.map(([body]) => body);
  expect(bodies.sort()).toEqual(Array.from({ length: count }, (_, at) => `message ${at}`).sort());
  for (const [body, attributes] of received) expect(attributes).toEqual(attributesOf(Number(body.split(' ')[1])));
});
