/** JSON of messages arrives as the text that was sent: through each operation over HTTP, and through each transport of the SDK. */
import { json } from 'node:stream/consumers';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Transport } from '../../contract/contract.ts';
import { directTransport } from '../../direct/transport.ts';
import { createEngine } from '../../engine/create.ts';
import { createCorrectedClock } from '../../engine/dynamo/corrected-clock.ts';
import { createMemoryStore } from '../../engine/memory/store.ts';
import { createRandom } from '../../engine/port/random.ts';
import { answerInvocation } from '../../functions/lambda/invocation.ts';
import { createService } from '../../functions/service/service.ts';
import { timeLeft } from '../../functions/service/time-left.ts';
import { Dumbwaiter, httpTransport, type JsonMode, jsonText } from '../../sdk/index.ts';
import { lambdaTransport } from '../../sdk/transports/lambda.ts';
import { startTestDynamodb } from '../support/dynamodb.ts';
import { listen } from '../support/http-listener.ts';
import {
  adminKey,
  expectProblem,
  type HttpCalls,
  type LocalQueue,
  loggedDefects,
  startLocalQueue,
} from '../support/local-queue.ts';

let local: LocalQueue;
let http: HttpCalls;
beforeAll(async () => {
  local = await startLocalQueue();
  http = local.http;
});
afterAll(async () => {
  await local.server.close();
  expect(local.defects).toEqual([]);
});

let queues = 0;
async function newQueue(settings: object = {}): Promise<string> {
  const queue = `text-${++queues}`;
  await http.call('createQueue', { queue }, settings);
  return queue;
}

async function textOf(method: string, path: string, body?: string): Promise<string> {
  const response = await http.send(method, `/v1${path}`, { ...(body !== undefined && { body }) });
  const text = await response.text();
  expect(response.ok, text).toBe(true);
  return text;
}

/** Values that `JSON.parse` and `JSON.stringify` would turn into other texts. */
const texts = [
  '{"id":1970670598291982290}',
  '[9007199254740993,12345678901234567890123]',
  '0.1000000000000000055511151231257827',
  '1e400',
  '-1e-400',
  '-0',
  '1.0',
  '1E+2',
  '{"b":1,"2":1,"1":1}',
  '{"a":1,"a":2}',
  '{"__proto__":{"x":1},"constructor":{"prototype":1},"toJSON":1,"":0}',
  '"\\u00e9\\/\\ud83e\\u0000"',
  '"é😀"',
  '[ 1 ,\t{ "a" : [ ] }\n]',
  '"a \\"body\\":1,\\\\"',
  'null',
];

describe('JSON over HTTP', () => {
  it('a body comes back byte for byte, whichever route shows it', async () => {
    expect(texts.length).toBeGreaterThan(0);
    const queue = await newQueue({ keep: { doneSeconds: 60, deadSeconds: 60 } });
    for (const text of texts) {
      const { results } = JSON.parse(
        await textOf('POST', `/queues/${queue}/publish`, `{ "messages" : [ { "body" : ${text} } ] }`),
      );
      const shown = `"body":${text},"attributes":{}`;
      expect(await textOf('GET', `/queues/${queue}/messages`), 'peek').toContain(shown);
      const received = await textOf('POST', `/queues/${queue}/receive`, '{}');
      expect(received, 'receive').toContain(shown);
      const [{ receipt }] = JSON.parse(received).messages;
      await textOf('POST', `/queues/${queue}/ack`, `{"receipts":["${receipt}"],"result":${text}}`);
      const kept = await textOf('GET', `/queues/${queue}/messages/${results[0].id}`);
      expect(kept, 'get').toContain(shown);
      expect(kept, 'the result').toContain(`"result":${text}`);
    }
  });

  it('a body comes back byte for byte after an edit, and if it is larger than its row', async () => {
    const queue = await newQueue();
    const [id] = (await http.call('publish', { queue }, { messages: [{ body: 1 }] })).results.map((one) =>
      one.ok ? one.id : '',
    );
    const large = `{"n":1970670598291982290,"filling":[${Array.from({ length: 5_000 }, (_, n) => `${n}.0`).join(' , ')}]}`;
    for (const text of [...texts, large]) {
      await textOf(
        'PATCH',
        `/queues/${queue}/messages/${id}`,
        `{"content":{"body":${text}},"attributes":{"n":9007199254740993}}`,
      );
      const shown = await textOf('GET', `/queues/${queue}/messages/${id}`);
      expect(shown).toContain(`"body":${text},"attributes":{"n":9007199254740993}`);
    }
  });

  it('a body comes back byte for byte from a schedule and from its ticks', async () => {
    const queue = await newQueue();
    const message = '{"body":{"id":1970670598291982290, "b":-0},"attributes":{"n":1970670598291982290}}';
    const put = `{"queue":"${queue}","everySeconds":60,"startAt":"2020-01-01T00:00:00.000Z","message":${message}}`;
    const shown = '"message":{"body":{"id":1970670598291982290, "b":-0},"attributes":{"n":1970670598291982290}';
    expect(await textOf('PUT', `/schedules/${queue}`, put)).toContain(shown);
    expect(await textOf('GET', '/schedules')).toContain(shown);
    const { nextTicks: _, ...before } = JSON.parse(await textOf('GET', `/schedules/${queue}`));
    expect(JSON.parse(await textOf('PUT', `/schedules/${queue}`, put)), 'the same once more changes nothing').toEqual(before);
    const ticks = await textOf('GET', `/queues/${queue}/messages`);
    expect(ticks).toContain(
      `"body":{"id":1970670598291982290, "b":-0},"attributes":{"n":1970670598291982290,"schedule":"${queue}","tick":`,
    );
    await http.call('deleteSchedule', { name: queue });
  });

  it('a body comes back byte for byte from a topic: at once, after a commit, and if it is larger than its row', async () => {
    const topic = await newQueue();
    await http.call('createTopic', { topic }, { preparedTimeoutSeconds: 60 });
    const filter = { id: [{ exists: true }] };
    await Promise.all([
      http.call('subscribe', { topic, subscription: 'all' }),
      http.call('subscribe', { topic, subscription: 'more' }, { filter, filterScope: 'body' }),
    ]);
    const text = '{"id":1970670598291982290, "b":-0,"f":1.50}';
    const large = `{"id":1970670598291982290,"filling":[${Array.from({ length: 5_000 }, (_, n) => `${n}.0`).join(' , ')}]}`;
    for (const [body, more] of [
      [text, ''],
      [large, ''],
      [text, ',"prepared":true'],
    ]) {
      const message = `{"body":${body},"attributes":{"n":9007199254740993},"subject":"a.b"${more}}`;
      const { results } = JSON.parse(await textOf('POST', `/topics/${topic}/publish`, `{"messages":[${message}]}`));
      const [{ id }] = results;
      if (more) await textOf('POST', `/topics/${topic}/publications/${id}/commit`, '{}');
      for (const subscription of ['all', 'more']) {
        const received = await textOf('POST', `/queues/${topic}~${subscription}/receive`, '{}');
        expect(received, subscription).toContain(
          `"body":${body},"attributes":{"n":9007199254740993,"topic":"${topic}","publication":"${id}","subject":"a.b"}`,
        );
      }
    }
  });

  it('the numbers of attributes keep every digit, and a number that is not finite is refused', async () => {
    const queue = await newQueue();
    const attributes = '{"n":1970670598291982290,"z":-0,"f":1.50,"s":"\\u00e9","constructor":1}';
    await textOf('POST', `/queues/${queue}/publish`, `{"messages":[{"body":1,"attributes":${attributes}}]}`);
    expect(await textOf('GET', `/queues/${queue}/messages`)).toContain(`"attributes":${attributes}`);
    const refused: [attributes: string, told: string][] = [
      ['{"n":1e400}', 'messages[0].attributes.n: must be a text of at most 1024 characters or a finite number, was Infinity'],
      [`{"n":0.${'1'.repeat(2000)}}`, 'messages[0].attributes.n: must be a text of at most 1024 characters or a finite number'],
      ['{"n":1,"n":2}', 'messages[0].attributes.n: is given twice'],
      ['{"__proto__":1}', 'messages[0].attributes.__proto__: is not allowed as a name'],
      ['{"n":{"a":1}}', 'messages[0].attributes.n: must be a text of at most 1024 characters or a finite number, was an object'],
      ['[1]', 'messages[0].attributes: must be an object of texts and numbers, was a list of 1'],
      ['7', 'messages[0].attributes: must be an object of texts and numbers, was 7'],
    ];
    for (const [given, told] of refused) {
      const answer = await textOf('POST', `/queues/${queue}/publish`, `{"messages":[{"body":1,"attributes":${given}}]}`);
      expect(JSON.parse(answer).results).toMatchObject([{ ok: false, code: 'invalid_input', message: told }]);
    }
  });

  it("a request that gives a field twice is refused with the field's name", async () => {
    const queue = await newQueue();
    const twice: [method: string, path: string, body: string, told: string][] = [
      ['POST', `/queues/${queue}/publish`, '{"messages":[{"body":1,"body":2}]}', 'messages[0].body: is given twice'],
      ['POST', `/queues/${queue}/publish`, '{"messages":[],"messages":[{"body":1}]}', 'messages: is given twice'],
      [
        'POST',
        `/queues/${queue}/publish`,
        '{"messages":[{"body":1},{"id":"a","body":1,"\\u0069d":"b"}]}',
        'messages[1].id: is given twice',
      ],
      ['POST', `/queues/${queue}/receive`, '{"max":1,"max":1}', 'max: is given twice'],
      ['PATCH', `/queues/${queue}`, '{"backoff":{"minSeconds":1,"minSeconds":1}}', 'backoff.minSeconds: is given twice'],
      ['POST', `/queues/${queue}/receive`, '{"__proto__":1,"__proto__":1}', '__proto__: is given twice'],
    ];
    for (const [method, path, body, told] of twice) {
      expect(await expectProblem(await http.send(method, `/v1${path}`, { body }), 400, 'invalid_input')).toBe(told);
    }
  });

  it('a body is refused by the depth and the size of its text', async () => {
    const queue = await newQueue();
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const bodies: [body: string, told: string | undefined][] = [
      [nested(200), undefined],
      [nested(201), 'messages[0].body: must not be nested deeper than 200'],
      [`[${' '.repeat(1024 * 1024)}]`, 'messages[0].body: must be at most 1048576 bytes, was 1048578 bytes as JSON text'],
    ];
    for (const [body, told] of bodies) {
      const answer = JSON.parse(await textOf('POST', `/queues/${queue}/publish`, `{"messages":[{"body":${body}}]}`));
      expect(answer.results[0]).toMatchObject(told === undefined ? { ok: true } : { ok: false, message: told });
    }
  });
});

describe('JSON through the SDK', () => {
  const stops: (() => unknown)[] = [];
  const transports: { [name: string]: () => Promise<Transport> } = {
    http: async () => httpTransport({ url: local.server.url, apiKey: adminKey }),
    lambda: async () => lambdaTransport({ functionName: 'api', client: await lambdaOf() }),
    direct: async () => {
      const dynamodb = await startTestDynamodb();
      const direct = directTransport({ client: dynamodb.sdk, tables: await dynamodb.createTables() });
      stops.push(() => direct.close().then(() => dynamodb.stop()));
      return direct;
    },
  };
  afterAll(async () => {
    for (const stop of stops) await stop();
  });

  /** Lambda's Invoke API over the function's own code: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
  async function lambdaOf(): Promise<LambdaClient> {
    const clock = createCorrectedClock();
    const engine = createEngine({ store: createMemoryStore({ now: clock.now }), clock, random: createRandom() });
    const service = createService({
      engine,
      keys: {} as never,
      secrets: {} as never,
      targets: {} as never,
      stats: {} as never,
      status: {} as never,
      audit: { recorded: (_: unknown, run: () => unknown) => run() } as never,
    });
    const principal = {
      id: 'iam',
      scopes: ['publish' as const, 'receive' as const, 'admin' as const],
      queues: ['*'],
      topics: ['*'],
    };
    const { log } = loggedDefects();
    const lambdaContext = { awsRequestId: 'r', functionName: 'api', getRemainingTimeInMillis: () => 30_000 };
    const server = await listen(async (request, response) => {
      const event: unknown = await json(request);
      response.end(
        JSON.stringify(
          await answerInvocation(event, { service, principal, log, requestId: 'r', left: timeLeft(lambdaContext, clock) }),
        ),
      );
    });
    stops.push(() => server.close());
    return new LambdaClient({
      endpoint: server.url,
      region: 'eu-central-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 's' },
    });
  }

  const id = 1970670598291982290n;
  const expected: { [Mode in JsonMode]: { body: unknown; attributes: unknown; result: unknown } } = {
    values: { body: { id: Number(id), small: 7 }, attributes: { id: Number(id), kind: 'a' }, result: [Number(id)] },
    bigint: { body: { id, small: 7 }, attributes: { id, kind: 'a' }, result: [id] },
    text: { body: `{"id":${id},"small":7}`, attributes: { id: String(id), kind: '"a"' }, result: `[${id}]` },
  };

  it.each(
    Object.keys(transports),
  )('the SDK over %s returns JSON as values, as bigints or as text, as the client asks', async (name) => {
    const transport = await transports[name]!();
    for (const json of Object.keys(expected) as JsonMode[]) {
      const queue = new Dumbwaiter({ transport, json }).queue(`modes-${json}`);
      await queue.create({ keep: { doneSeconds: 60, deadSeconds: 60 } });
      const { body, attributes, result } = expected[json];
      await queue.publish({ body: { id, small: 7 }, attributes: { id, kind: 'a' } });
      await queue.publish({ body: jsonText(` {"id":${id},"small":7} `), attributes: { id, kind: 'a' } });
      const peeked = await queue.peek().all();
      expect(peeked).toMatchObject([
        { body, attributes },
        { body, attributes },
      ]);
      const [message] = await queue.receive();
      expect(message).toMatchObject({ body, attributes });
      await message!.ack({ result: [id] as never });
      expect(await queue.get(message!.id)).toMatchObject({ body, attributes, result });
      await queue.edit((await queue.peek().all())[0]!.id, { body: { nested: jsonText('{"b":1,"1":-0}'), id } });
      const [edited] = await queue.receive();
      if (json === 'text') expect(edited!.body).toBe(`{"nested":{"b":1,"1":-0},"id":${id}}`);
      else expect(edited!.body).toEqual({ nested: { b: 1, 1: -0 }, id: json === 'bigint' ? id : Number(id) });
      await edited!.ack();
      await queue.publish({ body: null });
      expect((await queue.receive())[0]!.body).toBe(json === 'text' ? 'null' : null);
    }
  });

  it('the SDK refuses an unknown JSON mode and a text that is not JSON', () => {
    expect(() => new Dumbwaiter({ url: local.server.url, json: 'raw' as never })).toThrow(/json is "raw"/);
    expect(() => jsonText('{"a":}')).toThrow(SyntaxError);
    expect(() => jsonText('"\ud83e"')).toThrow(/an unpaired surrogate/);
  });
});
