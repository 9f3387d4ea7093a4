import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { wakePath } from '../../contract/wake.ts';
import { startEmbeddedDynamodb } from '../../functions/local/embedded-dynamodb.ts';
import { timeLimitsDefault } from '../../functions/local/http-server.ts';
import { eventually } from '../support/eventually.ts';
import { engineOf, type LocalProgram, startByNpm, startProgram } from '../support/local-program.ts';
import { httpCalls } from '../support/local-queue.ts';
import { startPushReceiver } from '../support/push-receiver.ts';

let folder: string;
let programs: LocalProgram[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-start-'));
  programs = [];
});
afterEach(async () => {
  for (const program of programs) program.process.kill('SIGKILL');
  await Promise.all(programs.map(({ ended }) => ended));
  await rm(folder, { recursive: true, force: true });
});

function start(options: string[], environment?: NodeJS.ProcessEnv): LocalProgram {
  const program = startProgram(options, environment);
  programs.push(program);
  return program;
}

const databaseFile = () => join(folder, 'dynamodb.sqlite');

/** The lines that the server shows for pasting. */
function roundTrip(output: string): string {
  return /^export DUMBWAITER_URL[\s\S]*?(?=\n\n)/m.exec(output)![0];
}

async function bash(script: string, environment: NodeJS.ProcessEnv = {}): Promise<string> {
  const { DUMBWAITER_API_KEY, ...inherited } = process.env;
  return (await promisify(execFile)('bash', ['-c', script], { env: { ...inherited, ...environment } })).stdout;
}

describe('npm start with --forward', () => {
  it('npm start with --forward creates the queue, pushes its messages, and ends the target with the server', async () => {
    const receiver = await startPushReceiver();
    const key = 'forwarding';
    const program = start(['--data', folder, '--forward', `orders=${receiver.url}/hook`], { DUMBWAITER_API_KEY: key });
    const { url } = await program.listening;
    expect(program.output()).toContain(`Messages of orders go to ${receiver.url}/hook`);
    const http = httpCalls(url, key);
    await http.call('publish', { queue: 'orders' }, { messages: [{ body: 'hello' }] });
    const [pushed] = await receiver.received(1);
    expect(pushed).toMatchObject({ path: '/hook', method: 'POST' });
    expect(JSON.parse(pushed!.text)).toMatchObject({ body: 'hello', queue: 'orders' });
    // Killed, it leaves its target. The next start continues at once with another URL, and without the option ends it.
    program.process.kill('SIGKILL');
    await program.ended;
    const second = start(['--data', folder, '--forward', `orders=${receiver.url}/other`], { DUMBWAITER_API_KEY: key });
    const again = httpCalls((await second.listening).url, key);
    await again.call('publish', { queue: 'orders' }, { messages: [{ body: 'again' }] });
    expect((await receiver.received(2))[1]).toMatchObject({ path: '/other' });
    second.process.kill('SIGKILL');
    await second.ended;
    const third = start(['--data', folder], { DUMBWAITER_API_KEY: key });
    const last = httpCalls((await third.listening).url, key);
    expect(await last.call('listTargets', { queue: 'orders' })).toEqual({ targets: [] });
    third.process.kill('SIGTERM');
    expect(await third.ended).toBe(0);
    await receiver.close();
  });

  it('npm start with --forward pushes what a subscription gets, and does not start without that subscription', async () => {
    const receiver = await startPushReceiver();
    const key = 'forwarding';
    const forward = ['--data', folder, '--forward', `post~stamps=${receiver.url}/hook`];
    const early = start(forward, { DUMBWAITER_API_KEY: key });
    expect(await early.ended).toBe(1);
    expect(early.errors()).toContain('No subscription owns the queue post~stamps. Create it first');
    const first = start(['--data', folder], { DUMBWAITER_API_KEY: key });
    const before = httpCalls((await first.listening).url, key);
    expect((await before.call('listQueues', {})).queues).toEqual([]);
    await before.call('createTopic', { topic: 'post' });
    await before.call('subscribe', { topic: 'post', subscription: 'stamps' });
    first.process.kill('SIGTERM');
    await first.ended;
    const second = start(forward, { DUMBWAITER_API_KEY: key });
    const http = httpCalls((await second.listening).url, key);
    await http.call('publishToTopic', { topic: 'post' }, { messages: [{ body: 'hello', subject: 'letters' }] });
    const [pushed] = await receiver.received(1);
    expect(JSON.parse(pushed!.text)).toMatchObject({ body: 'hello', queue: 'post~stamps', attributes: { subject: 'letters' } });
    second.process.kill('SIGTERM');
    expect(await second.ended).toBe(0);
    await receiver.close();
  });

  it.each([
    'orders',
    'orders=',
    'orders=ftp://example.com/',
    'no queue=http://127.0.0.1:9/',
  ])('npm start with --forward %s says what to give', async (text) => {
    const program = start(['--memory', '--forward', text]);
    expect(await program.ended).toBe(1);
    expect(program.errors()).toContain('Give a queue and a URL, such as orders=http://127.0.0.1:3000/hook');
  });
});

describe('npm start', () => {
  it('npm start prints the lines of a round trip that work when pasted, at the first start and at the next one', async () => {
    const first = start(['--data', folder]);
    await first.listening;
    const key = /^API key: (dw_\S+)$/m.exec(first.output())![1]!;
    const pasted = (await bash(roundTrip(first.output()))).trim().split('\n');
    expect(pasted.map((line) => JSON.parse(line))).toMatchObject([
      { name: 'hello' },
      { results: [{ ok: true }] },
      { results: [{ ok: true }] },
    ]);
    first.process.kill('SIGTERM');
    expect(await first.ended).toBe(0);

    const second = start(['--data', folder]);
    await second.listening;
    expect(second.output()).not.toContain(key);
    const again = (await bash(roundTrip(second.output()))).trim().split('\n');
    expect(JSON.parse(again.at(-1)!)).toEqual({ results: [{ ok: true }] });
    expect(second.errors()).toBe('');
  });

  it('npm start is what package.json starts', async () => {
    const { default: manifest } = await import('../../package.json', { with: { type: 'json' } });
    expect(manifest.scripts.start).toBe(
      'node --max-semi-space-size=2 --import ./functions/local/check-node.mjs functions/local/start.ts',
    );
  });

  it('npm start takes the admin key from the environment and does not print it', async () => {
    const DUMBWAITER_API_KEY = "it's-$mine";
    const program = start(['--memory', '--verbose'], { DUMBWAITER_API_KEY });
    await program.listening;
    const pasted = (await bash(roundTrip(program.output()), { DUMBWAITER_API_KEY })).trim().split('\n');
    expect(JSON.parse(pasted.at(-1)!)).toEqual({ results: [{ ok: true }] });
    expect(program.output() + program.errors()).not.toContain(DUMBWAITER_API_KEY);
  });

  it('npm start ends with its DynamoDB engine when a signal ends npm', async () => {
    const program = startByNpm(['--dynamodb', '--data', folder]);
    programs.push(program);
    await program.listening;
    expect(await engineOf(databaseFile())).toBeGreaterThan(0);
    program.process.kill('SIGTERM');
    await program.ended;
    await eventually(async () => ((await engineOf(databaseFile())) === undefined ? true : undefined));
  });

  it('npm start logs each call with time, operation, queue and error code under --verbose', async () => {
    const program = start(['--memory', '--verbose'], { DUMBWAITER_API_KEY: 'k' });
    const { url } = await program.listening;
    const http = httpCalls(url, 'k');
    await http.call('createQueue', { queue: 'orders' });
    await http.send('GET', '/v1/queues/nowhere');
    const lines = await eventually(async () => {
      const told = program
        .errors()
        .split('\n')
        .filter((line) => line.includes('Answered'));
      return told.length < 2 ? undefined : told;
    });
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { timestamp: expect.any(String), operation: 'createQueue', queue: 'orders', status: 200 },
      { timestamp: expect.any(String), operation: 'getQueue', queue: 'nowhere', status: 404, code: 'queue_not_found' },
    ]);
  });

  it.each([
    'SIGINT',
    'SIGTERM',
  ] as const)('npm start stops all its processes on %s and ends a receive that waits', async (signal) => {
    const program = start(['--dynamodb', '--data', folder], { DUMBWAITER_API_KEY: 'k' });
    const { url } = await program.listening;
    const http = httpCalls(url, 'k');
    await http.call('createQueue', { queue: 'q' });
    expect(await engineOf(databaseFile())).toBeGreaterThan(0);
    const waiting = http.call('receive', { queue: 'q' }, { waitSeconds: 20 });
    // The receive waits as soon as a later request has been answered.
    await http.call('getQueue', { queue: 'q' });
    const startedAt = performance.now();
    program.process.kill(signal);
    expect(await waiting).toEqual({ messages: [], waitIsCheap: true, wakeUrl: wakePath });
    expect(await program.ended).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(timeLimitsDefault.closingMs);
    expect(await engineOf(databaseFile())).toBeUndefined();
    expect(program.errors()).toBe('');
  });

  it('npm start ends at once on a SIGTERM that follows a SIGINT, even if a call is still arriving', async () => {
    const program = start(['--memory'], { DUMBWAITER_API_KEY: 'k' });
    const { port, hostname } = new URL((await program.listening).url);
    const socket = connect(Number(port), hostname).on('error', () => {});
    socket.write('PUT /v1/queues/q HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer k\r\ncontent-length: 9\r\n\r\n{');
    const startedAt = performance.now();
    try {
      // The socket is local: by then the server has this part of the request, and waits for the rest.
      await delay(300);
      program.process.kill('SIGINT');
      await delay(300);
      program.process.kill('SIGTERM');
      expect(await program.ended).toBe('SIGTERM');
      expect(performance.now() - startedAt).toBeLessThan(timeLimitsDefault.closingMs);
    } finally {
      socket.destroy();
    }
  });

  it('npm start fails with a message when its engine dies', async () => {
    const program = start(['--dynamodb', '--data', folder]);
    await program.listening;
    process.kill((await engineOf(databaseFile()))!, 'SIGKILL');
    expect(await program.ended).toBe(1);
    expect(program.errors()).toMatch(/^The embedded DynamoDB engine ended: .*\n$/);
  });

  it('npm start leaves no engine behind when it is killed', async () => {
    const program = start(['--dynamodb', '--data', folder]);
    await program.listening;
    program.process.kill('SIGKILL');
    await program.ended;
    await eventually(async () => ((await engineOf(databaseFile())) === undefined ? true : undefined));
  });

  it('npm start uses another DynamoDB engine if the environment names its endpoint', async () => {
    const engine = await startEmbeddedDynamodb();
    try {
      for (const body of ['first', 'second']) {
        const program = start([], { AWS_ENDPOINT_URL_DYNAMODB: engine.endpoint, DUMBWAITER_API_KEY: 'k' });
        const { url } = await program.listening;
        expect(program.output()).toContain(engine.endpoint);
        await httpCalls(url, 'k').call('createQueue', { queue: 'elsewhere' });
        await httpCalls(url, 'k').call('publish', { queue: 'elsewhere' }, { messages: [{ body }] });
        program.process.kill('SIGTERM');
        await program.ended;
      }
      const last = start([], { AWS_ENDPOINT_URL_DYNAMODB: engine.endpoint, DUMBWAITER_API_KEY: 'k' });
      const { url } = await last.listening;
      const { messages } = await httpCalls(url, 'k').call('receive', { queue: 'elsewhere' }, { max: 10 });
      expect(messages.map(({ body }) => body)).toEqual(['first', 'second']);
    } finally {
      await engine.stop();
    }
  });
});

describe('the failures of npm start', () => {
  const oneLine = async (program: LocalProgram): Promise<string> => {
    expect(await program.ended).toBe(1);
    expect(program.output()).toBe('');
    const lines = program.errors().trimEnd().split('\n');
    expect(lines).toHaveLength(1);
    return lines[0]!;
  };

  it('npm start fails with one line if its port is taken, and leaves no engine behind', async () => {
    const taken: Server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as AddressInfo;
    expect(await oneLine(start(['--dynamodb', '--data', folder, '--port', String(port)]))).toBe(
      `Port ${port} of 127.0.0.1 is taken: choose another with --port.`,
    );
    expect(await engineOf(databaseFile())).toBeUndefined();
    taken.close();
  });

  it('npm start fails with one line if its folder cannot be written', async () => {
    await writeFile(join(folder, 'file'), '');
    expect(await oneLine(start(['--data', join(folder, 'file', 'data')]))).toMatch(/cannot be written.*--data/);
  });

  it('npm start fails with one line if another server uses its folder, which still works afterwards', async () => {
    const first = start(['--data', folder], { DUMBWAITER_API_KEY: 'k' });
    const { url } = await first.listening;
    expect(await oneLine(start(['--data', folder]))).toMatch(/^Another server uses the data folder .*--data/);
    await httpCalls(url, 'k').call('createQueue', { queue: 'q' });
    first.process.kill('SIGKILL');
    await first.ended;
    const next = start(['--data', folder], { DUMBWAITER_API_KEY: 'k' });
    await httpCalls((await next.listening).url, 'k').call('getQueue', { queue: 'q' });
  });

  it('npm start fails with one line if Node is too old to run TypeScript, as after npm ci --ignore-scripts', async () => {
    const oldNode = `data:text/javascript,Object.defineProperty(process.versions, 'node', { value: '20.20.2' })`;
    const check = new URL('../../functions/local/check-node.mjs', import.meta.url).href;
    expect(await oneLine(start([], { NODE_OPTIONS: `--import=${encodeURI(oldNode)} --import=${check}` }))).toMatch(
      /npm rebuild node/,
    );
  });

  it('npm start fails with one line if the other engine does not answer', async () => {
    expect(await oneLine(start([], { AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:1' }))).toContain('http://127.0.0.1:1');
  });

  it('npm start fails with one line if an option is invalid', async () => {
    expect(await oneLine(start(['--port', '70000']))).toContain('--port');
    expect(await oneLine(start(['--nonsense']))).toContain('--nonsense');
  });
});
