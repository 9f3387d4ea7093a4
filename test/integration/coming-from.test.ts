/**
 * The programs in examples/coming-from/, as the guide's commands run them. The halves of each pair are mixed, so that each
 * program in TypeScript meets the one in Python.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Dumbwaiter } from '../../sdk/index.ts';
import { eventually } from '../support/eventually.ts';
import { output, root, start } from '../support/example-programs.ts';
import { adminKey, type LocalQueue, startLocalQueue } from '../support/local-queue.ts';

let local: LocalQueue;
let dumbwaiter: Dumbwaiter;
beforeAll(async () => {
  local = await startLocalQueue();
  dumbwaiter = new Dumbwaiter({ url: local.server.url, apiKey: adminKey });
});
afterAll(async () => {
  await local.server.close();
  expect(local.defects).toEqual([]);
});

/** Tests at the same time share two cores: they mostly wait, for programs to start and for subscriptions. */
const slow = { timeout: 180_000 };
const folder = 'examples/coming-from';
const env = { PYTHONPATH: folder };
const command = (program: string) => (program.endsWith('.py') ? 'python3' : process.execPath);
const running = (program: string, ...args: string[]) =>
  start(local.server.url, command(program), [`${folder}/${program}`, ...args], env);
const linesOf = async (program: string, ...args: string[]) =>
  (await output(local.server.url, command(program), [`${folder}/${program}`, ...args], env)).split('\n').slice(0, -1);
const nothingWaits = (queue: string) =>
  eventually(async () => {
    const { counts } = await dumbwaiter.queue(queue).describe();
    return counts.ready + counts.leased + counts.delayed === 0;
  });

/** A sender in one language, with the receiver in the other. */
const mixed: [ts: string, py: string][] = [
  ['ts', 'py'],
  ['py', 'ts'],
];
/** The name of a program in a language: `hello-send.ts`, `hello_send.py`. */
const named = (name: string, language: string) => `${language === 'py' ? name.replaceAll('-', '_') : name}.${language}`;

describe.concurrent('the RabbitMQ programs', slow, () => {
  it('a receiver of hello prints what a sender in the other language sent', async () => {
    for (const [sender, receiver] of mixed) {
      expect(await linesOf(named('rabbitmq/hello-send', sender))).toEqual(['sent Good morning']);
      const receiving = running(named('rabbitmq/hello-receive', receiver));
      await receiving.says('received Good morning');
      await nothingWaits('hello');
      expect(await receiving.stop()).toEqual(['received Good morning']);
    }
  });

  it('workers of a work queue share its tasks, each task once', async () => {
    const workers = [running('rabbitmq/work-worker.ts'), running('rabbitmq/work_worker.py')];
    for (const [at, sender] of ['ts', 'py', 'ts', 'py'].entries())
      expect(await linesOf(named('rabbitmq/work-send', sender), `${at}.jpg`, '0.5')).toEqual([`added ${at}.jpg`]);
    await eventually(() => workers.flatMap((worker) => worker.lines()).length >= 4);
    await nothingWaits('resizes');
    const done = (await Promise.all(workers.map((worker) => worker.stop()))).flat().sort();
    expect(done).toEqual(['resized 0.jpg', 'resized 1.jpg', 'resized 2.jpg', 'resized 3.jpg']);
  });

  it('every receiver of fanout gets each line, and leaves no subscription behind', async () => {
    const receivers = [running('rabbitmq/fanout-receive.ts'), running('rabbitmq/fanout_receive.py')];
    await Promise.all(receivers.map((receiver) => receiver.says('waiting')));
    expect(await linesOf('rabbitmq/fanout-send.ts')).toEqual(['sent to 2']);
    expect(await linesOf('rabbitmq/fanout_send.py', 'it rains')).toEqual(['sent to 2']);
    for (const receiver of receivers) {
      await receiver.says('received the shop is open');
      await receiver.says('received it rains');
      expect((await receiver.stop()).sort()).toEqual(['received it rains', 'received the shop is open', 'waiting']);
    }
    expect(await dumbwaiter.topic('logs').subscriptions().all()).toEqual([]);
  });

  it('a receiver of routing gets the severities that it names', async () => {
    const errors = running('rabbitmq/routing-receive.ts', 'error');
    const both = running('rabbitmq/routing_receive.py', 'warning', 'error');
    await Promise.all([errors.says('waiting'), both.says('waiting')]);
    expect(await linesOf('rabbitmq/routing_send.py')).toEqual(['sent to 0']);
    expect(await linesOf('rabbitmq/routing_send.py', 'warning', 'the oven is cool')).toEqual(['sent to 1']);
    expect(await linesOf('rabbitmq/routing-send.ts', 'error', 'the oven is cold')).toEqual(['sent to 2']);
    await Promise.all([errors.says('error: '), both.says('error: '), both.says('warning: ')]);
    expect(await errors.stop()).toEqual(['waiting', 'error: the oven is cold']);
    expect((await both.stop()).sort()).toEqual(['error: the oven is cold', 'waiting', 'warning: the oven is cool']);
  });

  it('a receiver of topics gets the subjects that match its pattern', async () => {
    const kitchen = running('rabbitmq/topics-receive.ts', 'kitchen.>');
    const errors = running('rabbitmq/topics_receive.py', '*.*.error');
    await Promise.all([kitchen.says('waiting'), errors.says('waiting')]);
    expect(await linesOf('rabbitmq/topics-send.ts')).toEqual(['sent to 0']);
    expect(await linesOf('rabbitmq/topics_send.py', 'shop.door.error', 'it is stuck')).toEqual(['sent to 1']);
    expect(await linesOf('rabbitmq/topics-send.ts', 'kitchen.oven.error', 'it is cold')).toEqual(['sent to 2']);
    await Promise.all([kitchen.says('oven'), errors.says('door'), errors.says('oven')]);
    expect(await kitchen.stop()).toEqual(['waiting', 'kitchen.oven.error: it is cold']);
    expect((await errors.stop()).sort()).toEqual(['kitchen.oven.error: it is cold', 'shop.door.error: it is stuck', 'waiting']);
  });

  it('an RPC client gets the reply of a server in the other language', async () => {
    for (const [client, server] of mixed) {
      const serving = running(named('rabbitmq/rpc-server', server));
      expect(await linesOf(named('rabbitmq/rpc-client', client), 'stew')).toEqual(['stew costs 400']);
      await serving.stop();
    }
  });
});

describe('the Kafka programs', () => {
  it('every group gets all records, consumers of a group share them, and the records of a key stay in order', async () => {
    const billing = [running('kafka/consumer.ts', 'billing'), running('kafka/consumer.py', 'billing')];
    const audits = [running('kafka/consumer.py', 'audit-py'), running('kafka/consumer.ts', 'audit-ts')];
    await Promise.all([...billing, ...audits].map((consumer) => consumer.says('is waiting')));
    for (const producer of ['kafka/producer.ts', 'kafka/producer.py'])
      expect((await linesOf(producer)).map((line) => line.replace(/\S+$/, 'id'))).toEqual([
        'ada 100 is id',
        'bob 250 is id',
        'ada -30 is id',
      ]);
    for (const group of ['billing', 'audit-py', 'audit-ts']) await nothingWaits(`payments~${group}`);
    for (const audit of audits) {
      const lines = (await audit.stop()).slice(1);
      expect(lines.filter((line) => line.startsWith('ada'))).toEqual(['ada 100', 'ada -30', 'ada 100', 'ada -30']);
      expect(lines.filter((line) => line.startsWith('bob'))).toEqual(['bob 250', 'bob 250']);
    }
    const shared = (await Promise.all(billing.map((consumer) => consumer.stop()))).flatMap((lines) => lines.slice(1));
    expect(shared.sort()).toEqual(['ada -30', 'ada -30', 'ada 100', 'ada 100', 'bob 250', 'bob 250']);
  });
});

describe.concurrent('the JMS programs', slow, () => {
  it('a receiver of a queue gets the highest priority first and the delayed message last', async () => {
    for (const [sender, receiver] of mixed) {
      expect(await linesOf(named('jms/queue-sender', sender))).toEqual(['sent 3']);
      const received = await linesOf(named('jms/queue-receiver', receiver));
      expect(received).toEqual(['table for nine (hall)', 'table for two (garden)', 'call back (no room)']);
    }
  });

  it('a durable subscriber gets what its selector selects, also what came while it did not run', async () => {
    const subscribers = () => [running('jms/topic-subscriber.ts', 'ledger-ts'), running('jms/topic_subscriber.py', 'ledger-py')];
    for (const subscriber of subscribers()) {
      await subscriber.says('subscribed');
      subscriber.child.kill('SIGKILL');
      await subscriber.ended;
    }
    for (const publisher of ['jms/topic-publisher.ts', 'jms/topic_publisher.py'])
      expect(await linesOf(publisher)).toEqual(['SOUP sent to 0', 'TART sent to 2']);
    for (const subscriber of subscribers()) {
      await eventually(() => subscriber.lines().length === 3);
      expect(await subscriber.stop()).toEqual(['subscribed', 'TART at 7', 'TART at 7']);
    }
  });
});

it('each program for newcomers has a test and a command in the documents, at most 40 lines, and a twin in the other language', () => {
  // The programs for SQS are in many languages; test/clients runs them.
  const programs = globSync('*/*.{ts,py}', { cwd: join(root, folder) })
    .filter((path) => !path.startsWith('sqs/'))
    .sort();
  expect(programs).not.toEqual([]);
  const read = (path: string) => readFileSync(join(root, path), 'utf8');
  const commands = read('docs/coming-from.md').matchAll(/`(?:npx node|python3) examples\/coming-from\/([\w/-]+\.(?:ts|py))/g);
  expect([...commands].map(([, program]) => program).sort()).toEqual(programs);
  const test = read('test/integration/coming-from.test.ts');
  const inTs = (program: string) => program.replaceAll('_', '-').replace(/\.\w+$/, '');
  expect(programs.filter((one) => !test.includes(`'${one}'`) && !test.includes(`named('${inTs(one)}'`))).toEqual([]);
  expect(programs.filter((one) => read(`${folder}/${one}`).split('\n').length > 41)).toEqual([]);
  const twins = (language: string) => programs.filter((one) => one.endsWith(language)).map(inTs);
  expect(twins('.py').sort()).toEqual(twins('.ts').sort());
});
