/** The examples, the guide's snippets and the README's first program, as a reader would run them. */
import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Dumbwaiter, type DumbwaiterError, httpTransport } from '../../sdk/index.ts';
import { startTestDynamodb } from '../support/dynamodb.ts';
import { output as outputOf, type RunningProgram, root, start as startProgram } from '../support/example-programs.ts';
import { type HttpListener, listen } from '../support/http-listener.ts';
import { adminKey, type LocalQueue, startLocalQueue } from '../support/local-queue.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const guide = read('docs/guide.md');

let local: LocalQueue;

beforeAll(async () => {
  local = await startLocalQueue();
});
afterAll(async () => {
  await local.server.close();
  expect(local.defects).toEqual([]);
});

const start = (program: string, args: string[], env?: Record<string, string>) =>
  startProgram(local.server.url, program, args, env);
const output = (program: string, args: string[], env?: Record<string, string>) => outputOf(local.server.url, program, args, env);
const example = (name: string, env?: Record<string, string>) => output(process.execPath, [`examples/${name}.ts`], env);
const linesOf = async (name: string) => (await example(name)).trim().split('\n');

describe('the examples', () => {
  it('the example test-your-program passes in the test runner of Node', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--test', join(root, 'examples/test-your-program.ts')]);
    expect(stdout).toMatch(/pass 1\b[\s\S]*fail 0\b/);
  });

  it('the example first-program publishes and consumes', async () => {
    expect((await linesOf('first-program')).sort()).toEqual(['soup for table 4', 'tart for table 7']);
  });

  it('the example publish shows delays, own ids, results and errors', async () => {
    const [state, twice, good, bad, code, bytes] = await linesOf('publish');
    expect(state).toMatch(/^delayed until \d{4}-/);
    expect([twice, good, code, bytes]).toEqual(['published before', 'published', 'queue_not_found false', '4']);
    expect(bad).toMatch(/^invalid_input: .*delaySeconds/);
  });

  it('the example schedules publishes at ticks', async () => {
    const lines = await linesOf('schedules');
    expect(lines[0]).toMatch(/^next at \d{4}-.*T0[01]:30:00.000Z$/);
    expect(lines[1]).toMatch(/^stock stock \d{4}-/);
    expect(lines.slice(2)).toEqual(['nightly-report runs', 'stock runs']);
  });

  it('the example deduplicate publishes one message of a key, with the newest content', async () => {
    expect(await linesOf('deduplicate')).toEqual(['@home: published', '@home: put off', '@home: put off', 'edit 3 of home']);
  });

  it('the example requests shows replies, results and the end of a request without a worker', async () => {
    expect(await linesOf('requests')).toEqual(['soup costs 400', 'done, 0.5: {"dish":"tart","cents":400}', 'call_timeout']);
  });

  it('the example groups keeps the order of each account', async () => {
    const lines = await linesOf('groups');
    expect(lines.filter((line) => line.startsWith('account-1'))).toEqual(['account-1: open', 'account-1: deposit']);
    expect(lines).toContain('account-2: open');
  });

  it('the example limits keeps three workers to two messages at a time', async () => {
    expect(await example('limits')).toBe('6 done, 2 at a time\n');
  });

  it('the example fan-out reaches queues of subscriptions and an existing queue', async () => {
    expect(await linesOf('fan-out')).toEqual([
      'reached 3',
      'new-orders~billing: order 1 of new-orders',
      'new-orders~kitchen: order 1 of new-orders',
      'order-archive: order 1 of new-orders',
    ]);
  });

  it('the example work-group shares the messages of one subscription among its consumers', async () => {
    const lines = await linesOf('work-group');
    expect(
      lines
        .slice(0, -1)
        .map((line) => line.replace(/^worker [12] /, ''))
        .sort(),
    ).toEqual(['resizes a.jpg', 'resizes b.jpg', 'resizes c.jpg', 'resizes d.jpg']);
    expect(lines.at(-1)).toBe('4 to index');
  });

  it('the example broadcast reaches each instance while it runs', async () => {
    expect(await linesOf('broadcast')).toEqual(['450 450', '0 subscriptions left']);
  });

  it('the example routing reaches the subscriptions whose pattern matches the subject', async () => {
    expect(await linesOf('routing')).toEqual([
      'kitchen.oven-1.celsius reached 3',
      'kitchen.oven-1.door.open reached 2',
      'cellar.freezer.celsius reached 1',
      'kitchen.oven-1.celsius: 220',
    ]);
  });

  it('the example scatter-gather takes the answers that come before its deadline', async () => {
    expect(await linesOf('scatter-gather')).toEqual(['2 of 3 answered; south is cheapest with 360']);
  });

  it('the example wake handles a message that comes when its consumer is idle', async () => {
    expect(await example('wake')).toBe('alarm: the door is open\n');
  });

  it('the example by-id postpones, edits and cancels a message', async () => {
    expect(await linesOf('by-id')).toEqual([
      'delayed until 2030-01-02T09:00:00.000Z, priority 2: call Ada, she asked twice',
      'message_not_found',
    ]);
  });

  it('the example prepared commits what has happened', async () => {
    expect(await example('prepared')).toBe('a receipt for order 1\n');
  });

  it('the example check-back answers what its queue signed and nothing else', async () => {
    expect(await example('check-back')).toBe('signed: {"outcome":"commit"}, forged: 401\n');
  });

  it('the example webhook pushes messages to its receiver', async () => {
    const lines = await linesOf('webhook');
    expect(lines.filter((line) => line.startsWith('order')).sort()).toEqual(['order 1', 'order 2']);
    expect(lines.filter((line) => !line.startsWith('order'))).toEqual(['done', 'done', 'active, no failure']);
  });

  it('the example filters says which condition failed, and delivers only what matches', async () => {
    expect(await linesOf('filters')).toEqual(['false filter.total 20', '120 from AT']);
  });

  it('the filters in Python say which condition failed', async () => {
    expect(await output('python3', ['examples/filters.py'])).toBe('True None\nFalse filter.source\n');
  });

  it('the example traces links the span of a handler to the span of its publisher', async () => {
    expect((await linesOf('traces')).sort()).toEqual([
      'ack packing in process packing linked to publish packing',
      'checkout',
      'pack order 7 in process packing',
      'process packing linked to publish packing',
      'publish packing in checkout',
      'receive packing linked to publish packing',
    ]);
  });

  it('the example by-hand receives, extends, releases and acks', async () => {
    expect(await example('by-hand')).toBe('0 ready, 1 later\n');
  });

  it('the example dead-letters peeks at dead letters and redrives them', async () => {
    const lines = await linesOf('dead-letters');
    expect(lines[0]).toBe('-5 from payments, rejected: negative amount');
    expect(lines.slice(-3)).toEqual(['1 moved', 'done', 'back: -5']);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('the example worker works until %s tells it to stop', async (signal) => {
    const { said, stop } = start(process.execPath, ['examples/worker.ts']);
    const queue = new Dumbwaiter({ url: local.server.url, apiKey: adminKey }).queue('thumbnails');
    await vi.waitFor(() => queue.describe({ retries: 0 }), { timeout: 20_000 });
    await queue.publish([
      { body: { url: `${local.server.url}/v1/health` } },
      { body: { url: `${local.server.url}/v1/nothing` } },
    ]);
    // A failed message is tried again. How often by then is random.
    const saysBoth = () => {
      expect(said.out).toContain(`done: ${local.server.url}/v1/health`);
      expect(said.out).toContain(`failed: ${local.server.url}/v1/nothing: Error: HTTP 404`);
    };
    await vi.waitFor(saysBoth, { timeout: 20_000 });
    await stop(signal);
  });

  it('the example over-lambda calls the function itself', async () => {
    const invoker = await startInvoker();
    const environment = {
      AWS_ENDPOINT_URL_LAMBDA: invoker.url,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'a',
      AWS_SECRET_ACCESS_KEY: 's',
    };
    expect(await example('over-lambda', environment)).toBe('invoked\n');
    await invoker.close();
  });

  it('the example order-service charges each order once', async () => {
    const dynamodb = await startTestDynamodb();
    expect(await example('order-service', dynamodb.environment)).toBe('placed before\n60 in the till\n');
    await dynamodb.stop();
  });

  it('each example has a test here', () => {
    const run = [
      ...read('test/integration/examples.test.ts').matchAll(/(?:example|linesOf)\('([\w-]+)'|examples\/([\w-]+)\.ts'/g),
    ];
    // Programs in folders have tests of their own: coming-from, lambda-consumer.
    const names = globSync('examples/*.ts', { cwd: root }).map((path) => /([\w-]+)\.ts$/.exec(path)?.[1]);
    expect(names.filter((name) => name !== 'connect' && !run.some(([, a, b]) => name === (a ?? b)))).toEqual([]);
  });
});

describe.each([
  { language: 'TypeScript', program: process.execPath, file: 'examples/webhook-receiver.ts' },
  { language: 'Python', program: 'python3', file: 'examples/webhook_receiver.py' },
])('the webhook receiver in $language', ({ language, program, file }) => {
  let secret: string;
  let url: string;
  let receiver: RunningProgram;
  beforeAll(async () => {
    const queue = new Dumbwaiter({ url: local.server.url, apiKey: adminKey }).queue<{ order: number }>(`pushed-to-${language}`);
    await queue.create();
    secret = await queue.rotateSigningSecret();
    receiver = start(program, [file], { WEBHOOK_SECRET: secret });
    await receiver.says('listening on ');
    url = receiver.lines()[0]!.replace('listening on ', '');
    await queue.targets.put('shop', { url });
    await queue.publish({ body: { order: 7 } });
  });
  afterAll(async () => {
    receiver.child.kill();
    await receiver.ended;
  });

  const body = (order: number) => JSON.stringify({ id: `message-${order}`, body: { order } });
  const post = async (sent: string, headers: Record<string, string> = {}) =>
    (await fetch(url, { method: 'POST', body: sent, headers })).status;
  const signed = (order: number, { sentAt = new Date(), by = secret } = {}) => ({
    'webhook-id': `msg_${order}`,
    'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1000)),
    'webhook-signature': new Webhook(by).sign(`msg_${order}`, sentAt, body(order)),
  });
  const handled = (order: number) => receiver.lines().filter((line) => line === `order ${order}`).length;

  it('the webhook receiver handles a message that its queue pushes', async () => {
    await receiver.says('order 7\n');
  });

  it('the webhook receiver refuses an unsigned request', async () => {
    expect(await post(body(8))).toBe(401);
    expect(await post(body(8), { ...signed(8), 'webhook-signature': '' })).toBe(401);
    expect(handled(8)).toBe(0);
  });

  it('the webhook receiver refuses a request that was altered after it was signed', async () => {
    expect(await post(body(9).replace('9}', '99}'), signed(9))).toBe(401);
    expect(await post(body(9), { ...signed(9), 'webhook-id': 'msg_10' })).toBe(401);
    const later = String(Math.floor(Date.now() / 1000) + 1);
    expect(await post(body(9), { ...signed(9), 'webhook-timestamp': later })).toBe(401);
    expect([handled(9), handled(99)]).toEqual([0, 0]);
  });

  it('the webhook receiver refuses a request that is signed by another secret', async () => {
    expect(await post(body(10), signed(10, { by: `whsec_${btoa('another secret of 24 bytes')}` }))).toBe(401);
    expect(handled(10)).toBe(0);
  });

  it('the webhook receiver refuses a request that is replayed later, and handles one that is replayed at once only once', async () => {
    expect(await post(body(11), signed(11, { sentAt: new Date(Date.now() - 600_000) }))).toBe(401);
    expect(handled(11)).toBe(0);
    const headers = signed(12);
    expect([await post(body(12), headers), await post(body(12), headers)]).toEqual([204, 204]);
    await receiver.says('order 12\n');
    expect(handled(12)).toBe(1);
  });
});

/** Lambda's Invoke API over the local server: the payload and the answer are those of the api function. */
function startInvoker(): Promise<HttpListener> {
  const transport = httpTransport({ url: local.server.url, apiKey: adminKey });
  return listen(async (request, response) => {
    const { operation, params, inputText } = JSON.parse(await text(request));
    const answer = await transport.call(operation, params, JSON.parse(inputText)).then(
      (output) => ({ ok: true, outputText: JSON.stringify(output) }),
      ({ code, message }: DumbwaiterError) => ({ ok: false, error: { code, message } }),
    );
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer));
  });
}

/** The fenced blocks of a language. */
function blocks(markdown: string, language: string): string[] {
  return [...markdown.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map((match) => match[1] as string);
}

/** An example as a user of the package writes it. */
function asPublished(source: string): string {
  return source
    .replaceAll(/'(\.\.\/)+sdk\/index\.ts'/g, "'dumbwaiter-queue'")
    .replaceAll(/'(\.\.\/)+sdk\/aws\/environment-transport\.ts'/g, "'dumbwaiter-queue/aws'")
    .replaceAll("'../sdk/transports/lambda.ts'", "'dumbwaiter-queue/lambda'")
    .replaceAll("'../sdk/otel/tracing.ts'", "'dumbwaiter-queue/otel'")
    .replaceAll("'../direct/transport.ts'", "'dumbwaiter-queue/direct'")
    .replaceAll("'../testing/index.ts'", "'dumbwaiter-queue/testing'");
}

describe('the guide', () => {
  it('the guide shows only TypeScript that the examples run', () => {
    const run = globSync('examples/**/*.ts', { cwd: root }).map((path) => asPublished(read(path)));
    const snippets = blocks(guide, 'ts');
    expect(snippets.length).toBeGreaterThan(5);
    expect(snippets.filter((snippet) => !run.some((source) => source.includes(snippet.trim())))).toEqual([]);
  });

  it('the guide shows shell lines that work as they stand, one after another', async () => {
    const lines = blocks(guide, 'sh').filter((block) => block.includes('curl'));
    expect(lines.length).toBeGreaterThan(5);
    // A refusal that curl gets fails the script.
    const script = [
      'set -euo pipefail',
      'cd "$(mktemp -d)"',
      `trap 'rm -r "$PWD"' EXIT`,
      'curl() { command curl -sS --fail-with-body "$@"; }',
      ...lines,
    ].join('\n');
    const out = await output('bash', ['-c', script]);
    expect(out).toContain('"ok":true');
    expect(out).not.toContain('"ok":false');
  });
});

it('the guide shows only Python that the examples have', () => {
  const run = globSync('examples/**/*.py', { cwd: root }).map(read);
  const snippets = blocks(guide, 'python');
  expect(snippets.length).toBeGreaterThan(0);
  expect(snippets.filter((snippet) => !run.some((source) => source.includes(snippet.trim())))).toEqual([]);
});

describe('the README', () => {
  it('the README shows the first program as it is run here', () => {
    expect(blocks(read('README.md'), 'ts')).toContain(asPublished(read('examples/first-program.ts')));
  });
});
