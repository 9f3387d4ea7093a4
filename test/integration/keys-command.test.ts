import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { adminKey, type LocalQueue, startLocalQueue } from '../support/local-queue.ts';

const program = fileURLToPath(new URL('../../functions/local/keys-command.ts', import.meta.url));

let queue: LocalQueue;
beforeAll(async () => {
  queue = await startLocalQueue();
  await queue.http.call('createQueue', { queue: 'orders' });
});
afterAll(() => queue.server.close());

interface Ended {
  code: number;
  output: string;
  errors: string;
}

function keys(options: string[], environment: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const env = { ...process.env, DUMBWAITER_URL: queue.server.url, DUMBWAITER_API_KEY: adminKey, ...environment };
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...options], { env }, (error, output, errors) => {
      resolve({ code: error === null ? 0 : Number(error.code), output, errors });
    });
  });
}

it('npm run keys creates a key that works, lists it and revokes it', async () => {
  const created = await keys(['create', 'a worker', '--scopes', 'publish,receive', '--queues', 'orders,orders-*']);
  expect(created).toMatchObject({ code: 0, output: expect.stringMatching(/^dw_\S+\n$/) });
  const worker = queue.http.as(created.output.trim());
  await worker.call('publish', { queue: 'orders' }, { messages: [{ body: 1 }] });
  const id = created.output.split('_')[1]!;
  const listed = await keys(['list']);
  expect(listed.output).toMatch(new RegExp(`^${id}\t\\S+Z\texpires never\tused \\S+Z\t`, 'm'));
  expect(listed.output).toContain(id);
  expect(listed.output).toContain('publish,receive\torders,orders-*\t\ta worker');
  expect(await keys(['revoke', id])).toMatchObject({ code: 0 });
  expect((await worker.send('GET', '/v1/queues/orders')).status).toBe(401);
  expect((await keys(['list'])).output).not.toContain(id);
});

it('npm run keys creates a key that expires', async () => {
  const created = await keys(['create', 'guest', '--scopes', 'publish', '--expires', '2999-01-31T00:00:00Z']);
  expect(created).toMatchObject({ code: 0 });
  expect((await keys(['list'])).output).toMatch(/\texpires 2999-01-31T00:00:00.000Z\tused never\tpublish\t\*\t\*\tguest$/m);
  const past = await keys(['create', 'guest', '--scopes', 'publish', '--expires', '2001-01-31T00:00:00Z']);
  expect(past).toMatchObject({ code: 1, errors: expect.stringMatching(/^400: expiresAt: must be in the future/) });
});

it('npm run keys creates a key for topics, which covers queues only if they are given', async () => {
  const created = await keys(['create', 'shop', '--scopes', 'publish', '--topics', 'order-events,stock-*']);
  expect(created).toMatchObject({ code: 0 });
  const both = await keys(['create', 'both', '--scopes', 'publish', '--queues', 'orders', '--topics', 'stock']);
  expect(both).toMatchObject({ code: 0 });
  const { output } = await keys(['list']);
  expect(output).toMatch(/\tpublish\t\torder-events,stock-\*\tshop$/m);
  expect(output).toMatch(/\tpublish\torders\tstock\tboth$/m);
});

it('npm run keys lists more keys than one page has', async () => {
  const made = await Promise.all(
    Array.from({ length: 60 }, (_, i) => queue.http.call('createKey', {}, { name: `k${i}`, queues: ['*'], scopes: ['publish'] })),
  );
  const listed = (await keys(['list'])).output
    .trim()
    .split('\n')
    .map((line) => line.split('\t')[0]);
  expect(listed).toEqual(expect.arrayContaining(made.map(({ id }) => id)));
});

it.each<[string, string[], NodeJS.ProcessEnv, RegExp]>([
  ['the key is wrong', ['list'], { DUMBWAITER_API_KEY: 'wrong' }, /^401: .*unknown or revoked/],
  ['there is no such key', ['revoke', 'nothing'], {}, /^404: .*nothing/],
  ['a scope is unknown', ['create', 'x', '--scopes', 'root'], {}, /^400: scopes\[0\]: must be one of/],
  ['the server is not there', ['list'], { DUMBWAITER_URL: 'http://127.0.0.1:1' }, /^http:\/\/127.0.0.1:1 cannot be reached/],
  ['no server is named', ['list'], { DUMBWAITER_URL: undefined }, /--url/],
])('npm run keys fails with one line when %s', async (_, options, environment, expected) => {
  const { code, output, errors } = await keys(options, environment);
  expect({ code, output, lines: errors.trim().split('\n').length }).toEqual({ code: 1, output: '', lines: 1 });
  expect(errors).toMatch(expected);
});
