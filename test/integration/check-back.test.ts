/** Publishers of prepared messages, asked over HTTP and by Lambda's Invoke API, as the sweep asks them. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { createEngine } from '../../engine/create.ts';
import type { CheckBackMessage } from '../../engine/engine.ts';
import { createMemoryStore } from '../../engine/memory-store.ts';
import { seededRandom } from '../../engine/random.ts';
import { createCheckBack } from '../../functions/check-back.ts';
import type { CheckBack } from '../../sdk/contract.ts';
import { checkBackAnswerBytesMax } from '../../sdk/limits.ts';
import { createDrivenClock } from '../engine/driven-clock.ts';

const second = 1000;
const timeoutSeconds = 60;

interface Asked {
  method: string;
  path: string;
  type: string | undefined;
  message: CheckBackMessage;
}

let server: Server;
let url: string;
let asked: Asked[] = [];
/** What the publisher does with a question: answers a text, with a status, or nothing at all. */
let reply: (asked: Asked) => { status?: number; headers?: Record<string, string>; text: string } | undefined;
let warned: Record<string, unknown>[] = [];

const log = {
  info: () => {},
  warn: (_: string, fields?: object) => warned.push({ ...fields }),
  error: (message: string) => expect.unreachable(message),
};

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as IncomingMessage) chunks.push(chunk as Buffer);
    const { method, url: path, headers } = request;
    const one = {
      method: method!,
      path: path!,
      type: headers['content-type'],
      message: JSON.parse(Buffer.concat(chunks).toString()),
    };
    asked.push(one);
    const answer = reply(one);
    if (!answer) return;
    response.writeHead(answer.status ?? 200, answer.headers);
    response.end(answer.text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
const environment = { ...process.env };
beforeEach(() => {
  asked = [];
  warned = [];
  reply = () => ({ text: '{"outcome":"commit"}' });
  const credentials = { AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 's' };
  Object.assign(process.env, { ...credentials, AWS_ENDPOINT_URL_LAMBDA: url });
});
afterEach(() => {
  process.env = { ...environment };
});

const body = { to: 'Ada' };

/** A queue with one prepared message whose time is over, and a sweep. */
async function swept(
  checkBack: CheckBack,
  msMax?: number,
  canAsk = true,
): Promise<{ received: unknown[]; state: string; id: string }> {
  const clock = createDrivenClock();
  const engine = createEngine({
    store: createMemoryStore({ now: clock.now }),
    clock,
    random: seededRandom(1),
    ...(canAsk ? { checkBack: createCheckBack({ log, ...(msMax === undefined ? {} : { msMax }) }) } : {}),
  });
  const queue = { queue: 'q' };
  await engine.call('createQueue', queue, { prepared: { timeoutSeconds, checkBack } });
  const { results } = await engine.call('publish', queue, { messages: [{ body, attributes: { n: 1 }, prepared: true }] });
  const { id } = results[0] as { id: string };
  clock.advance(timeoutSeconds * second);
  await engine.sweep({ until: clock.now() + timeoutSeconds * second });
  const state = await engine.call('getMessage', { ...queue, id }, {}).then(
    (message) => message.state,
    ({ code }) => code,
  );
  const { messages } = await engine.call('receive', queue, {});
  return { received: messages.map((message) => message.body), state, id };
}

const path = '/messages/check?of=orders';
const ways: [string, () => CheckBack, string][] = [
  ['a URL', () => ({ url: `${url}${path}` }), path],
  ['a function', () => ({ functionName: 'orders-check' }), '/2015-03-31/functions/orders-check/invocations'],
];

it.each(ways)('%s is told of the message, and its answer counts', async (_, target, where) => {
  const { received, id } = await swept(target());
  expect(received).toEqual([body]);
  const message = { queue: 'q', id, body, attributes: { n: 1 }, publishedAt: expect.stringMatching(/Z$/), asked: 1 };
  expect(asked).toMatchObject([{ method: 'POST', path: where, message }]);
  reply = () => ({ text: '{"outcome":"rollback"}' });
  expect(await swept(target())).toMatchObject({ received: [], state: 'message_not_found' });
  reply = () => ({ text: '{"outcome":"unknown"}' });
  expect(await swept(target())).toMatchObject({ received: [], state: 'prepared' });
  expect(warned).toEqual([]);
});

it.each(ways)('what %s answers otherwise leaves the message prepared, and is told', async (_, target) => {
  const answers = ['', 'null', 'commit', '{}', '{"outcome":"Commit"}', '{"outcome":["commit"]}', '[]'];
  for (const text of answers) {
    reply = () => ({ text });
    expect(await swept(target()), text).toMatchObject({ received: [], state: 'prepared' });
  }
  for (const status of [400, 500]) {
    reply = () => ({ status, text: '{"outcome":"commit"}' });
    expect(await swept(target()), String(status)).toMatchObject({ state: 'prepared' });
  }
  expect(warned.length).toBe(answers.length + 2);
  expect(warned[0]).toMatchObject({ queue: 'q', asked: 1, reason: expect.any(String) });
});

it.each(ways)('%s that does not answer in time leaves the message prepared', async (_, target) => {
  reply = () => undefined;
  expect(await swept(target(), 100)).toMatchObject({ state: 'prepared' });
  expect(warned.length).toBe(1);
});

it('a URL is not followed elsewhere, nor read for long', async () => {
  reply = ({ path: where }) =>
    where === '/away' ? { text: '{"outcome":"commit"}' } : { status: 307, headers: { location: `${url}/away` }, text: '' };
  expect(await swept({ url: `${url}/here` })).toMatchObject({ state: 'prepared' });
  expect(asked.map(({ path: where }) => where)).toEqual(['/here']);
  reply = () => ({ text: `{"outcome":"commit"}${' '.repeat(checkBackAnswerBytesMax)}` });
  expect(await swept({ url })).toMatchObject({ state: 'prepared' });
});

it('a function that fails leaves the message prepared', async () => {
  reply = () => ({ headers: { 'X-Amz-Function-Error': 'Unhandled' }, text: '{"outcome":"commit"}' });
  expect(await swept({ functionName: 'f' })).toMatchObject({ state: 'prepared' });
  expect(warned[0]?.reason).toContain('Unhandled');
});

it('a queue that is swept by a process which cannot ask leaves the message prepared', async () => {
  expect(await swept({ url }, undefined, false)).toMatchObject({ state: 'prepared' });
  expect(asked).toEqual([]);
});

it('nobody there leaves the message prepared', async () => {
  expect(await swept({ url: 'http://127.0.0.1:9' })).toMatchObject({ state: 'prepared' });
  expect(warned.length).toBe(1);
});
