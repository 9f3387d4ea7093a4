/** The examples, the guide's snippets and the README's first program, as a reader would run them. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Dumbwaiter, type DumbwaiterError, httpTransport } from '../../sdk/index.ts';
import { startTestDynamodb } from '../support/dynamodb.ts';
import { output as outputOf, root, start as startProgram } from '../support/example-programs.ts';
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

  it('the example topics reaches each subscription that matches, and shares its work', async () => {
    const lines = await linesOf('topics');
    expect(lines).toContain('order 1 reached 3');
    expect(lines).toContain('false filter.country FR');
    const broadcast = lines.filter((line) => line.startsWith('broadcast')).sort();
    expect(broadcast).toEqual(['broadcast: 1', 'broadcast: 2', 'broadcast: 3']);
    const bills = lines.filter((line) => line.startsWith('bill ')).sort();
    expect(bills).toEqual(['bill 1: orders.web.paid', 'bill 2: orders.app.paid']);
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

  it('the example webhook handles pushed messages that its queue signed, and nothing else', async () => {
    const lines = await linesOf('webhook');
    expect(lines.slice(0, 2).sort()).toEqual(['order 1', 'order 2']);
    expect(lines.slice(2)).toEqual(['active, no failure', 'forged: 401']);
  });

  it('the receiver in Python handles pushed messages once, and refuses forged and replayed requests', async () => {
    const queue = new Dumbwaiter({ url: local.server.url, apiKey: adminKey }).queue('pushed-to-python');
    await queue.create();
    const secret = await queue.rotateSigningSecret();
    const { child, said, ended } = start('python3', ['examples/webhook_receiver.py'], { WEBHOOK_SECRET: secret });
    const port = await vi.waitFor(() => /listening on (\d+)/.exec(said.out)?.[1] ?? expect.unreachable(), { timeout: 20_000 });
    const url = `http://127.0.0.1:${port}/`;
    await queue.targets.put('python', { url });
    await queue.publish({ body: { order: 7 } });
    await vi.waitFor(() => expect(said.out).toContain('order 7'), { timeout: 20_000 });
    await queue.targets.delete('python');
    const send = async (sentAt: Date, secretOf: string) => {
      const body = '{"id":"again","body":{"order":8}}';
      const headers = {
        'webhook-id': 'msg_1',
        'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1000)),
        'webhook-signature': new Webhook(secretOf).sign('msg_1', sentAt, body),
      };
      return (await fetch(url, { method: 'POST', body, headers })).status;
    };
    expect(await send(new Date(), `whsec_${btoa('another secret of 24 bytes')}`)).toBe(401);
    expect(await send(new Date(Date.now() - 600_000), secret)).toBe(401);
    expect(await send(new Date(), secret)).toBe(204);
    expect(await send(new Date(), secret)).toBe(204);
    expect(said.out.match(/order 8/g)).toHaveLength(1);
    child.kill();
    await ended;
  });

  it('the example filters says which condition failed, and delivers only what matches', async () => {
    expect(await linesOf('filters')).toEqual(['false filter.total 20', '120 from AT']);
  });

  it('the filters in Python say which condition failed', async () => {
    expect(await output('python3', ['examples/filters.py'])).toBe('True None\nFalse filter.source\n');
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
    const names = globSync('examples/*.ts', { cwd: root }).map((path) => /([\w-]+)\.ts$/.exec(path)?.[1]);
    expect(names.filter((name) => name !== 'connect' && !run.some(([, a, b]) => name === (a ?? b)))).toEqual([]);
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
    .replaceAll("'../sdk/index.ts'", "'dumbwaiter'")
    .replaceAll("'../sdk/transports/lambda.ts'", "'dumbwaiter/lambda'")
    .replaceAll("'../direct/transport.ts'", "'dumbwaiter/direct'");
}

describe('the guide', () => {
  it('the guide shows only TypeScript that the examples run', () => {
    const run = globSync('examples/*.ts', { cwd: root }).map((path) => asPublished(read(path)));
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
  const run = globSync('examples/*.py', { cwd: root }).map(read);
  const snippets = blocks(guide, 'python');
  expect(snippets.length).toBeGreaterThan(0);
  expect(snippets.filter((snippet) => !run.some((source) => source.includes(snippet.trim())))).toEqual([]);
});

describe('the README', () => {
  it('the README shows the first program as it is run here', () => {
    expect(blocks(read('README.md'), 'ts')).toContain(asPublished(read('examples/first-program.ts')));
  });
});
