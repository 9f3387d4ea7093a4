/** The command line against a local server. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Outcome, runCommand } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { adminKey, type LocalQueue, startLocalQueue } from '../support/local-queue.ts';

const program = join(import.meta.dirname, '../../cli/index.ts');
let queue: LocalQueue;
let folder: string;

beforeAll(async () => {
  queue = await startLocalQueue();
  folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-cli-'));
});
afterAll(async () => {
  await queue.server.close();
  await rm(folder, { recursive: true });
  expect(queue.defects).toEqual([]);
});

function environment(): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    DUMBWAITER_URL: queue.server.url,
    DUMBWAITER_API_KEY: adminKey,
    DUMBWAITER_CONFIG: join(folder, 'contexts.json'),
  };
}

/** In a process of its own where it reads standard input. */
function run(args: readonly string[], { input, env = environment() }: { input?: string; env?: NodeJS.ProcessEnv } = {}) {
  if (input === undefined) return runCommand(args, env);
  return new Promise<Outcome>((resolve) => {
    const child = execFile(process.execPath, [program, ...args], { env }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out: out.trim(), err: err.trim() }),
    );
    child.stdin!.end(input);
  });
}

async function ok(...args: string[]): Promise<string> {
  const { code, out, err } = await run(args);
  expect({ code, err: code === 0 ? '' : err }, args.join(' ')).toEqual({ code: 0, err: '' });
  return out;
}

describe('the command line', () => {
  it('a queue is created, filled, listed, received from and deleted', async () => {
    await ok('queue', 'create', 'orders', '--settings', '{"visibilityTimeoutSeconds": 60}');
    expect(await ok('publish', 'orders', '{"order":19706705982919822901}', '--id', 'one', '--attribute', 'kind=created')).toBe(
      'one',
    );
    const [title, row] = (await ok('queues', '--prefix', 'ord')).split('\n');
    expect(title).toMatch(/^Queue\s+Ready\s+Delayed\s+Leased\s+Dead\s+Oldest\s+Published, 1 h\s+Acked, 1 h\s+Failed, 1 h$/);
    expect(row).toMatch(/^orders\s+1\s+0\s+0\s+0\s+[\d.]+ s\s+0\s+0\s+0$/);
    expect(await ok('receive', 'orders', '--ack')).toMatch(/ {2}one {2}\{"order":19706705982919822901\}$/);
    const left = JSON.parse(await ok('--json', 'queue', 'show', 'orders'));
    expect(left).toMatchObject({ visibilityTimeoutSeconds: 60, counts: { ready: 0, leased: 0 } });
    await ok('queue', 'delete', 'orders', '--yes');
    expect(await ok('audit', '--queue', 'orders', '--limit', '1')).toMatch(/\n20\S+Z\s+admin\s+deleteQueue\s+orders$/);
    expect(await run(['queue', 'show', 'orders'])).toMatchObject({ code: 1, err: expect.stringContaining('queue_not_found') });
  });

  it('each line of standard input is published, and a line that is no JSON is named', async () => {
    await ok('queue', 'create', 'lines');
    const lines = Array.from({ length: 250 }, (_, number) => JSON.stringify({ number })).join('\n');
    const { code, out } = await run(['publish', 'lines', '--file', '-'], { input: `${lines}\n` });
    expect([code, out.split('\n').length]).toEqual([0, 250]);
    expect(await run(['publish', 'lines', '--file', '-'], { input: '1\n2\n{no\n' })).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^\S+~0\n\S+~1$/),
      err: 'Body 3 is not JSON. What came before it is published.',
    });
    expect(JSON.parse(await ok('--json', 'queue', 'show', 'lines')).counts.ready).toBe(252);
  });

  it('what publish and import cannot read is refused with one line', async () => {
    await ok('queue', 'create', 'unread');
    for (const file of [join(folder, 'missing.ndjson'), folder]) {
      for (const command of ['publish', 'import']) {
        const { code, err } = await run([command, 'unread', '--file', file]);
        expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/^[^\n]+ cannot be read: E(NOENT|ISDIR)[^\n]*$/) });
      }
    }
    expect(await run(['publish', 'unread', 'no json'])).toMatchObject({
      code: 2,
      err: `The body is not JSON, such as '{"a": 1}' or '"text"'.`,
    });
    expect(await run(['publish', 'unread', '1', '--count', '0'])).toMatchObject({ code: 2 });
  });

  it('a command whose reader has gone, as under head, ends with 1 and prints no stack trace', async () => {
    const child = spawn(process.execPath, [program, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let err = '';
    child.stderr.on('data', (part) => {
      err += part;
    });
    const [code] = await once(child, 'close');
    expect({ code, err }).toEqual({ code: 1, err: '' });
  });

  it('start and local-key name the Node that they need, in one line, if they run on Node 20', async () => {
    const { node } = process.versions;
    onTestFinished(() => void Object.defineProperty(process.versions, 'node', { value: node }));
    Object.defineProperty(process.versions, 'node', { value: '20.20.2' });
    for (const command of ['start', 'local-key']) {
      expect(await run([command, '--data', folder])).toMatchObject({
        code: 1,
        err: 'This command needs Node 24, and this is Node 20.20.2.',
      });
    }
  });

  it('a message is read, edited, released, postponed and cancelled by its id', async () => {
    await ok('queue', 'create', 'edited');
    await ok('publish', 'edited', '1', '--id', 'it');
    await ok('edit', 'edited', 'it', '--body', '{"two":2.00}');
    expect(await ok('get', 'edited', 'it')).toContain('"body":{"two":2.00}');
    process.stdout.isTTY = true;
    onTestFinished(() => {
      process.stdout.isTTY = false;
    });
    expect(await ok('get', 'edited', 'it')).toContain('\n  "body": {\n    "two": 2.00\n  },\n');
    expect(await ok('--json', 'get', 'edited', 'it')).toContain('"body":{"two":2.00}');
    process.stdout.isTTY = false;
    await ok('receive', 'edited');
    expect(await ok('release', 'edited', 'it', '--seconds', '60')).toMatch(/^it can be received at 20\S+Z\.$/);
    expect(await ok('postpone', 'edited', 'it', '--seconds', '60')).toMatch(/^it can be received at 20/);
    expect(await ok('--json', 'cancel', 'edited', 'it')).toBe('{"id":"it"}');
    expect(await run(['get', 'edited', 'it'])).toMatchObject({ code: 1, err: expect.stringContaining('message_not_found') });
  });

  it('messages are listed by filters without being taken', async () => {
    await ok('queue', 'create', 'listed');
    await ok('publish', 'listed', '{"n":1}', '--id', 'one', '--attribute', 'kind=red', '--attribute', 'size=2');
    await ok('publish', 'listed', '{"n":2}', '--id', 'two', '--attribute', 'kind=red');
    await ok('publish', 'listed', '{"n":3}', '--id', 'three', '--delay', '600');
    const listed = async (...options: string[]) => {
      const lines = (await ok('--json', 'messages', 'listed', ...options)).split('\n').filter((line) => line !== '');
      return lines.map((line) => JSON.parse(line).id).sort();
    };
    expect(await listed()).toEqual(['one', 'three', 'two']);
    expect(await listed('--attribute', 'kind=red', '--attribute', 'size=2')).toEqual(['one']);
    expect(await listed('--state', 'delayed')).toEqual(['three']);
    expect(await listed('--id', 't', '--priority', '0', '--text', '"n":2')).toEqual(['two']);
    expect(await listed('--from', '2999-01-31T00:00:00Z')).toEqual([]);
    expect((await listed('--limit', '2')).length).toBe(2);
    expect(await ok('messages', 'listed', '--id', 'one')).toMatch(/one +ready +20\S+ +0 +\{"n":1\}/);
  });

  it('dead letters are listed, counted by a dry run, and moved back by an attribute', async () => {
    await ok('queue', 'create', 'work-dead');
    await ok('queue', 'create', 'work', '--settings', '{"deadLetter":{"queue":"work-dead","maxReceives":1}}');
    for (const [id, kind] of [
      ['a', 'red'],
      ['b', 'blue'],
      ['c', 'red'],
    ] as const) {
      await ok('publish', 'work', '1', '--id', id, '--attribute', `kind=${kind}`);
    }
    const { messages } = await queue.http.call('receive', { queue: 'work' }, { max: 3 });
    const receipts = messages.map(({ receipt }) => receipt);
    await queue.http.call('release', { queue: 'work' }, { receipts, failed: 'no stock', deadLetter: true });
    // A dead letter that waits after another receive is moved, too.
    const again = await queue.http.call('receive', { queue: 'work-dead' }, { max: 3 });
    const taken = again.messages.map(({ receipt }) => receipt);
    await queue.http.call('release', { queue: 'work-dead' }, { receipts: taken.slice(1), delaySeconds: 600 });
    expect(await ok('dead', 'redrive', 'work-dead', '--dry-run')).toBe('2 dead letters would be moved.');
    await queue.http.call('release', { queue: 'work-dead' }, { receipts: taken.slice(0, 1), delaySeconds: 600 });
    expect(await ok('dead', 'list', 'work-dead', '--attribute', 'kind=red')).toMatch(/no stock/);
    expect(await ok('dead', 'redrive', 'work-dead', '--id', 'b', '--dry-run')).toBe('1 dead letter would be moved.');
    expect(await ok('dead', 'redrive', 'work-dead', '--attribute', 'kind=red', '--dry-run')).toBe(
      '2 dead letters would be moved.',
    );
    expect((await queue.http.call('getQueue', { queue: 'work-dead' })).counts).toMatchObject({ dead: 0, delayed: 3 });
    expect(await ok('dead', 'redrive', 'work-dead', '--attribute', 'kind=red')).toBe('2 moved, 1 skipped.');
    expect(await ok('dead', 'redrive', 'work-dead', '--text', '2', '--dry-run')).toBe('0 dead letters would be moved.');
    expect(await ok('dead', 'redrive', 'work-dead', '--reason', 'rejected')).toBe('1 moved, 0 skipped.');
    expect((await queue.http.call('getQueue', { queue: 'work' })).counts.ready).toBe(3);
  });

  it('exactly as many messages are imported as were exported, and a second import adds none', async () => {
    for (const name of ['from', 'to']) await ok('queue', 'create', name);
    const file = join(folder, 'messages.ndjson');
    await writeFile(file, Array.from({ length: 130 }, (_, n) => `{"n":${n}.10}`).join('\n'));
    await ok('publish', 'from', '--file', file);
    await ok('publish', 'from', '"later"', '--delay', '600');
    const { out, err } = await run(['export', 'from']);
    expect([out.split('\n').length, err]).toEqual([131, '131 messages.']);
    await writeFile(file, `${out}\n`);
    for (let time = 0; time < 2; time++) {
      await ok('import', 'to', '--file', file);
      expect((await queue.http.call('getQueue', { queue: 'to' })).counts).toMatchObject({ ready: 130, delayed: 1 });
    }
    expect(out).toContain('{"n":7.10}');
  });

  it('a schedule is listed with its next tick, shown with its next five, paused and triggered', async () => {
    await ok('queue', 'create', 'ticks');
    await queue.http.call('putSchedule', { name: 'nightly' }, { queue: 'ticks', cron: '0 3 * * *', message: { body: 'go' } });
    expect(await ok('schedules')).toMatch(/nightly\s+ticks\s+0 3 \* \* \*\s+UTC\s+20/);
    const { nextTicks } = JSON.parse(await ok('--json', 'schedules', 'show', 'nightly'));
    expect(nextTicks).toHaveLength(5);
    expect(nextTicks[0]).toMatch(/T03:00:00.000Z$/);
    const [first, ...ticks] = (await ok('schedules', 'show', 'nightly')).split('\n');
    expect(first).toBe('nightly: 0 3 * * * in UTC, to ticks');
    expect(ticks.map((line) => line.slice(0, 23))).toEqual([
      expect.stringMatching(/^Next in UTC/),
      ...nextTicks.map((tick: string) => `${tick.slice(0, 10)} 03:00:00 GMT`),
    ]);
    await ok('schedules', 'pause', 'nightly');
    expect(await ok('schedules', 'show', 'nightly')).toMatch(/\nPaused\.$/);
    expect(await ok('schedules', 'list')).toContain('paused');
    await ok('schedules', 'trigger', 'nightly');
    expect((await queue.http.call('getQueue', { queue: 'ticks' })).counts.ready).toBe(1);
  });

  it('topics and their subscriptions are listed', async () => {
    await queue.http.call('createTopic', { topic: 'events' });
    await queue.http.call('subscribe', { topic: 'events', subscription: 'all' }, { subject: 'orders.>' });
    expect(await ok('topics')).toMatch(/events\s+1\s+0\s+0\s+0\s+20/);
    expect(await ok('subscriptions', 'events')).toMatch(/all\s+events~all\s+orders\.>/);
  });

  it('a key is created and printed once, listed without its secret, and revoked', async () => {
    const key = await ok('keys', 'create', 'ci', '--queues', 'orders,mails', '--scopes', 'publish', 'receive');
    expect(key).toMatch(/^dw_/);
    const listed = await ok('keys', 'list');
    expect(listed).toMatch(/ci\s+publish,receive\s+orders,mails\s+never\s+never/);
    expect(listed).not.toContain(key);
    const { id } = (await queue.http.as(key).call('getOwnKey', {})) as { id: string };
    await ok('keys', 'revoke', id);
    expect((await queue.http.as(key).send('GET', '/v1/keys/own')).status).toBe(401);
  });

  it('a key covers topics, and then queues only if they are given; an access key is printed with its secret', async () => {
    const expires = '2999-01-31T00:00:00.000Z';
    const made = JSON.parse(
      await ok('--json', 'keys', 'create', 'shop', '--topics', 'stock-*', '--scopes', 'publish,receive', '--expires', expires),
    );
    expect(made).toMatchObject({ queues: [], topics: ['stock-*'], scopes: ['publish', 'receive'], expiresAt: expires });
    const lines = (await ok('keys', 'create', 'sqs', '--scopes', 'publish', '--access-key')).split('\n');
    expect(lines.slice(1)).toEqual([
      expect.stringMatching(/^export AWS_ACCESS_KEY_ID=\S+$/),
      expect.stringMatching(/^export AWS_SECRET_ACCESS_KEY=\S+$/),
    ]);
    expect((await run(['keys', 'create', 'x', '--scopes', 'root'])).code).toBe(2);
    expect(await run(['keys', 'create', 'x', '--scopes', 'publish', '--expires', '2001-01-31T00:00:00Z'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('expiresAt: must be in the future'),
    });
  });

  it('start runs a whole server, whose key can be shown again', async () => {
    const data = join(folder, 'data');
    const seed = join(folder, 'seed.yaml');
    await writeFile(seed, 'queues: { first: { visibilityTimeoutSeconds: 7 } }');
    const child = spawn(process.execPath, [program, 'start', '--port', '0', '--data', data, '--seed', seed], {
      env: { PATH: process.env.PATH },
    });
    let out = '';
    child.stdout.on('data', (part) => {
      out += part;
    });
    await eventually(() => out.includes('Ctrl-C stops it.'));
    const url = /listens on (\S+)/.exec(out)![1]!;
    const key = await ok('local-key', '--data', data);
    expect(out).toContain(`API key: ${key}`);
    const bare = { PATH: process.env.PATH, DUMBWAITER_URL: url, DUMBWAITER_API_KEY: key };
    expect((await run(['queue', 'show', 'first'], { env: bare })).out).toContain('"visibilityTimeoutSeconds": 7');
    expect(await (await fetch(`${url}/console/`)).text()).toContain('console.js');
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(await run(['start', '--no-such-option'])).toMatchObject({ code: 2 });
    await writeFile(seed, 'queues: { first: { visibilityTimeoutSeconds: soon } }');
    const refused = { code: 1, err: expect.stringContaining('queues.first.visibilityTimeoutSeconds: must be') };
    expect(await run(['start', '--port', '0', '--memory', '--seed', seed])).toMatchObject(refused);
    expect(await run(['start', '--help'])).toMatchObject({ code: 0, out: expect.stringContaining('--memory') });
  });

  it('tail prints messages as they are published, and takes none', async () => {
    await ok('queue', 'create', 'tailed');
    await ok('publish', 'tailed', '"before"');
    const child = spawn(process.execPath, [program, 'tail', 'tailed', '--from-start'], { env: environment() });
    let out = '';
    child.stdout.on('data', (part) => {
      out += part;
    });
    await eventually(() => out.includes('"before"'));
    await ok('publish', 'tailed', '"after"');
    await eventually(() => out.includes('"after"'));
    child.kill();
    expect(out.split('\n').filter((line) => line !== '')).toHaveLength(2);
    expect((await queue.http.call('getQueue', { queue: 'tailed' })).counts.ready).toBe(2);
  });

  it('a context keeps the URL and the key in a file that only its owner can read, and never prints the key', async () => {
    const bare = { PATH: process.env.PATH, DUMBWAITER_CONFIG: join(folder, 'contexts.json') };
    const none = await run(['queues'], { env: bare });
    expect(none).toMatchObject({ code: 2, err: expect.stringContaining('context add') });
    const { server } = queue;
    await writeFile(bare.DUMBWAITER_CONFIG, '{"deployments":{}}', { mode: 0o644 });
    expect(await run(['context', 'add', 'wrong', '--url', 'localhost:8420', '--api-key', 'k'], { env: bare })).toMatchObject({
      code: 2,
      err: 'url is "localhost:8420", and must be an http or https URL',
    });
    await ok('context', 'add', 'here');
    // A key goes to no other URL than its own.
    expect(await run(['queues', '--url', server.url], { env: bare })).toMatchObject({
      code: 2,
      err: expect.stringContaining('both a URL and a key'),
    });
    const elsewhere = { ...bare, DUMBWAITER_URL: 'http://127.0.0.1:9', DUMBWAITER_API_KEY: 'of another' };
    expect((await run(['queues', '--context', 'here'], { env: elsewhere })).code).toBe(0);
    expect((await run(['context', 'use', 'here'], { env: bare })).err).toBe('');
    expect((await run(['context', 'use', 'here'], { env: elsewhere })).err).toBe(
      'DUMBWAITER_URL is set and counts before it: unset it, or give --context here.',
    );
    expect((await stat(bare.DUMBWAITER_CONFIG)).mode & 0o777).toBe(0o600);
    expect(await readFile(bare.DUMBWAITER_CONFIG, 'utf8')).toContain(adminKey);
    expect((await run(['queues'], { env: bare })).code).toBe(0);
    const { out } = await run(['context', 'list'], { env: bare });
    expect(out).toMatch(/\*\s+here\s+http/);
    expect(out).not.toContain(adminKey);
    for (const name of ['none', 'constructor', '__proto__']) {
      const unknown = { code: 1, err: `There is no context "${name}"; "context list" shows all.` };
      for (const verb of ['use', 'remove']) expect(await run(['context', verb, name], { env: bare })).toMatchObject(unknown);
      expect(await run(['queues', '--context', name], { env: bare })).toMatchObject(unknown);
    }
    expect((await run(['context', 'remove', 'here'], { env: bare })).code).toBe(0);
    expect((await run(['queues'], { env: bare })).code).toBe(2);
    await writeFile(bare.DUMBWAITER_CONFIG, '[]');
    expect((await run(['queues'], { env: bare })).err).toBe(`${bare.DUMBWAITER_CONFIG} holds no contexts. Correct or remove it.`);
  });

  it('a purge without a terminal and without --yes is refused, and changes nothing', async () => {
    await ok('queue', 'create', 'kept');
    await ok('publish', 'kept', '1');
    expect(await run(['queue', 'purge', 'kept'])).toMatchObject({ code: 2, err: expect.stringContaining('--yes') });
    expect((await queue.http.call('getQueue', { queue: 'kept' })).counts.ready).toBe(1);
  });

  it('wrong usage ends with 2, a refused call with 1, and help with 0 and examples', async () => {
    const wrong = [
      'publish',
      'no-such-command',
      'publish kept 1 --delay soon',
      'publish kept',
      'publish kept 1 --file -',
      'edit kept id',
      'queue update kept',
      'messages kept --limit 0',
      'receive kept --max 1.5',
      'context add here --url http://127.0.0.1:1 --api-key=',
      'start --memory --sqs-anonymous --host 0.0.0.0',
    ];
    for (const words of wrong) expect((await run(words.split(' '))).code, words).toBe(2);
    expect((await run(['publish', 'kept', '1', '--delay', '-5'])).code).toBe(1);
    expect(await run(['queue', 'create', 'bad name'])).toMatchObject({
      code: 1,
      err: 'invalid_input: queue: must be 1 to 80 characters of A-Za-z0-9_-, was "bad name"',
    });
    const help = await run(['--help']);
    expect([help.code, help.out]).toEqual([0, expect.stringContaining('Examples:')]);
  });

  it('bench passes messages through a queue of its own, and deletes it', async () => {
    const report = JSON.parse(await ok('--json', 'bench', '--messages', '60', '--flows', '2', '--batch', '20'));
    expect(report).toMatchObject({ published: 60, received: 60, flows: 2, batch: 20 });
    expect(report.deliveryMs.p50).toBeLessThanOrEqual(report.deliveryMs.max);
    expect((await queue.http.call('listQueues', {}, { prefix: 'bench-' })).queues).toEqual([]);
    expect(await ok('bench', '--messages', '5', '--flows', '1')).toMatch(/^received\s+5 messages, \d+ a second$/m);
    await ok('queue', 'create', 'precious');
    expect(await run(['bench', 'precious'])).toMatchObject({ code: 2, err: expect.stringContaining('--yes') });
    await ok('bench', 'precious', '--messages', '5', '--yes');
    expect((await run(['queue', 'show', 'precious'])).code).toBe(0);
    expect((await run(['bench', '--flows', '0'])).code).toBe(2);
  });

  it('doctor finds dead letters and a paused queue, and says what to do', async () => {
    await ok('queue', 'create', 'halted');
    await ok('queue', 'pause', 'halted');
    await eventually(async () => (await queue.http.call('getStatus', {})).lastSweep !== null);
    const { code, out } = await run(['doctor']);
    expect([code, out.split('\n').filter((line) => line.startsWith('fail'))]).toEqual([0, []]);
    expect(out).toMatch(/warn\s+halted\s+is paused: "queue resume halted"/);
    expect(out).toMatch(/ok\s+key\s+admin: publish, receive, admin; queues \*; topics \*/);
    for (const check of ['endpoint', 'clock', 'version', 'tables', 'sweep', 'throttles', 'schedules', 'queues']) {
      expect(out).toMatch(new RegExp(`^ok\\s+${check}\\s`, 'm'));
    }
    const key = await ok('keys', 'create', 'less', '--scopes', 'publish');
    const less = await run(['doctor', '--json'], { env: { ...environment(), DUMBWAITER_API_KEY: key } });
    const findings = less.out.split('\n').map((line) => JSON.parse(line) as { level: string; check: string });
    expect(less.code).toBe(0);
    expect(findings).toContainEqual({ level: 'warn', check: 'server', text: expect.stringContaining('need an admin key') });
  });

  it('doctor ends with 1 when the key is wrong, nothing answers, or something else does', async () => {
    const wrong = await run(['doctor'], { env: { ...environment(), DUMBWAITER_API_KEY: 'wrong' } });
    expect(wrong).toMatchObject({ code: 1, out: expect.stringMatching(/fail\s+key/) });
    const elsewhere = await run(['doctor'], { env: { ...environment(), DUMBWAITER_URL: 'http://127.0.0.1:9' } });
    expect(elsewhere).toMatchObject({ code: 1, out: expect.stringContaining('Is the URL right') });
    const stranger = { ...environment(), DUMBWAITER_URL: `${queue.server.url}/other` };
    expect(await run(['doctor'], { env: stranger })).toMatchObject({ code: 1, out: expect.stringContaining('no Dumbwaiter') });
  });
});
