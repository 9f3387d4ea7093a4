/** Publishers of prepared messages, asked over HTTP and by Lambda's Invoke API, as the sweep asks them. */
import { text as textOf } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { accessFromEnvironment } from '../../aws/environment.ts';
import { invokeFunction } from '../../aws/invoke-function.ts';
import type { CheckBack } from '../../contract/contract.ts';
import { publicHostsAnd } from '../../contract/host-rule.ts';
import { checkBackAnswerBytesMax } from '../../contract/limits.ts';
import { createEngine } from '../../engine/create.ts';
import type { CheckBackMessage } from '../../engine/engine.ts';
import { createMemoryStore } from '../../engine/memory/store.ts';
import { seededRandom } from '../../engine/port/random.ts';
import { invokeFunction as invokeBySdk } from '../../functions/local/invoke-function.ts';
import { createCheckBack, type Invoke } from '../../functions/service/check-back.ts';
import { createPoster } from '../../functions/service/outgoing-post.ts';
import { createSigningSecrets, type SigningSecrets } from '../../functions/service/signing-secrets.ts';
import { createDrivenClock } from '../support/driven-clock.ts';
import { secondMs } from '../support/durations.ts';
import { type HttpListener, listen } from '../support/http-listener.ts';

const timeoutSeconds = 60;

interface Asked {
  /** The request as it was sent, with its signature. */
  text: string;
  headers: Record<string, string>;
  method: string;
  path: string;
  type: string | undefined;
  message: CheckBackMessage;
}

let server: HttpListener;
let url: string;
let asked: Asked[] = [];
/** The publisher's answer to a question: a text with a status, or nothing at all. */
let reply: (asked: Asked) => { status?: number; headers?: Record<string, string>; text: string } | undefined;
let warned: Record<string, unknown>[] = [];

const log = {
  info: () => {},
  warn: (_: string, fields?: object) => warned.push({ ...fields }),
  error: (message: string) => expect.unreachable(message),
};

beforeAll(async () => {
  server = await listen(async (request, response) => {
    const { method, url: path, headers } = request;
    const text = await textOf(request);
    const one = {
      text,
      headers: headers as Record<string, string>,
      method: method!,
      path: path!,
      type: headers['content-type'],
      message: JSON.parse(text),
    };
    asked.push(one);
    const answer = reply(one);
    if (!answer) return;
    response.writeHead(answer.status ?? 200, answer.headers);
    response.end(answer.text);
  });
  url = server.url;
});
afterAll(() => server.close());
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

/** As the functions of a deployment invoke. */
const invokeSigned: Invoke = (functionName, payload, signal) =>
  invokeFunction(accessFromEnvironment('lambda'), { functionName, payload, type: 'RequestResponse', signal });

/** A queue with one prepared message whose time is over, and a sweep. */
async function swept(
  checkBack: CheckBack,
  {
    msMax,
    canAsk = true,
    allowsPrivate = true,
    invoke = invokeSigned,
  }: { msMax?: number; canAsk?: boolean; allowsPrivate?: boolean; invoke?: Invoke } = {},
): Promise<{ received: unknown[]; state: string; id: string; secrets: SigningSecrets }> {
  const clock = createDrivenClock();
  const store = createMemoryStore({ now: clock.now });
  const secrets = createSigningSecrets({ store, clock });
  const post = createPoster({ allowsPrivate: () => allowsPrivate });
  const engine = createEngine({
    store,
    clock,
    random: seededRandom(1),
    ...(canAsk ? { checkBack: createCheckBack({ log, post, secrets, invoke, ...(msMax === undefined ? {} : { msMax }) }) } : {}),
  });
  const queue = { queue: 'q' };
  await engine.call('createQueue', queue, { prepared: { timeoutSeconds, checkBack } });
  const { results } = await engine.call('publish', queue, { messages: [{ body, attributes: { n: 1 }, prepared: true }] });
  const { id } = results[0] as { id: string };
  clock.advance(timeoutSeconds * secondMs);
  await engine.sweep({ until: clock.now() + timeoutSeconds * secondMs });
  const state = await engine.call('getMessage', { ...queue, id }, {}).then(
    (message) => message.state,
    ({ code }) => code,
  );
  const { messages } = await engine.call('receive', queue, {});
  return { received: messages.map((message) => message.body), state, id, secrets };
}

const path = '/messages/check?of=orders';
const ways: [string, () => CheckBack, string][] = [
  ['a URL', () => ({ url: `${url}${path}` }), path],
  ['a function', () => ({ functionName: 'orders-check' }), '/2015-03-31/functions/orders-check/invocations'],
];

it.each(ways)('%s gets the prepared message, and its answer decides', async (_, target, where) => {
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

it.each(ways)('an unclear answer of %s leaves the message prepared and is logged', async (_, target) => {
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

it.each(ways)('the silence of %s leaves the message prepared', async (_, target) => {
  reply = () => undefined;
  expect(await swept(target(), { msMax: 100 })).toMatchObject({ state: 'prepared' });
  expect(warned.length).toBe(1);
});

it('a check-back follows no redirect and reads only a short answer', async () => {
  reply = ({ path: where }) =>
    where === '/away' ? { text: '{"outcome":"commit"}' } : { status: 307, headers: { location: `${url}/away` }, text: '' };
  expect(await swept({ url: `${url}/here` })).toMatchObject({ state: 'prepared' });
  expect(asked.map(({ path: where }) => where)).toEqual(['/here']);
  reply = () => ({ text: `{"outcome":"commit"}${' '.repeat(checkBackAnswerBytesMax)}` });
  expect(await swept({ url })).toMatchObject({ state: 'prepared' });
});

it.each([
  ['a deployment', invokeSigned],
  ['the local server', invokeBySdk],
])('a function that fails leaves the message prepared: invoked as by %s', async (_, invoke) => {
  expect(await swept({ functionName: 'f' }, { invoke })).toMatchObject({ received: [body] });
  reply = () => ({ headers: { 'X-Amz-Function-Error': 'Unhandled' }, text: '{"outcome":"commit"}' });
  expect(await swept({ functionName: 'f' }, { invoke })).toMatchObject({ state: 'prepared' });
  expect(warned[0]?.reason).toContain('Unhandled');
});

it('a sweep in a process that cannot ask publishers leaves the message prepared', async () => {
  expect(await swept({ url }, { canAsk: false })).toMatchObject({ state: 'prepared' });
  expect(asked).toEqual([]);
});

it('a publisher that cannot be reached leaves the message prepared', async () => {
  expect(await swept({ url: 'http://127.0.0.1:9' })).toMatchObject({ state: 'prepared' });
  expect(warned.length).toBe(1);
});

describe('the signature of a check-back', () => {
  it('a check-back to a URL has a signature of the queue’s secret that a Standard Webhooks library verifies', async () => {
    const { secrets } = await swept({ url });
    const [{ text, headers, message } = expect.unreachable()] = asked;
    const [secret] = await secrets.current('q');
    expect(new Webhook(secret!).verify(text, headers)).toEqual(message);
    expect(() => new Webhook(secret!).verify(`${text} `, headers)).toThrow('No matching signature');
    const { secret: another } = await secrets.rotate('other');
    expect(() => new Webhook(another).verify(text, headers)).toThrow('No matching signature');
    expect(headers['webhook-id']).toMatch(/^ask_[0-9a-f]{32}$/);
  });

  it('a check-back to a function is not signed, because IAM names the caller', async () => {
    await swept({ functionName: 'orders-check' });
    expect(Object.keys(asked[0]!.headers).filter((name) => name.startsWith('webhook-'))).toEqual([]);
  });
});

describe('a process that calls only public addresses', () => {
  let port: string;
  beforeAll(() => {
    ({ port } = new URL(url));
  });

  /** Checked at the connection: a name is as private as the address that it resolves to. */
  it.each([
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '0.0.0.0',
    '0',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::127.0.0.1]',
    'localhost',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.0.1',
    '100.64.0.1',
    '169.254.169.254',
    '[fe80::1]',
    '[fd00:ec2::254]',
    '224.0.0.1',
    '255.255.255.255',
  ])('a process that calls only public addresses does not connect to %s', async (host) => {
    const post = createPoster(publicHostsAnd([]));
    const { signal } = new AbortController();
    const secrets = [`whsec_${btoa('0123456789abcdef01234567')}`];
    const sending = post({ url: `http://${host}:${port}/`, payload: '{}', id: 'ask_1', secrets, signal, answerBytesMax: 100 });
    await expect(sending).rejects.toThrow(/is not allowed/);
    expect(asked).toEqual([]);
  });

  it('a process that calls only public addresses leaves a message prepared if its publisher is elsewhere, and logs why', async () => {
    expect(await swept({ url: `http://localhost:${port}/` }, { allowsPrivate: false })).toMatchObject({ state: 'prepared' });
    expect(asked).toEqual([]);
    expect(warned).toMatchObject([{ kind: 'check_back_failed', reason: expect.stringContaining('private IP address') }]);
  });
});
