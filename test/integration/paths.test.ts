/**
 * Hostile names in every parameter of every path, over both entries. An operation runs with exactly the name that was sent, or not at all.
 */
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OperationName, ParamsOf } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { type Route, routes } from '../../contract/routes.ts';
import { parseParams } from '../../contract/schemas/parse.ts';
import { administrator } from '../../functions/auth/authorize.ts';
import { createApp, openApiPath } from '../../functions/http/app.ts';
import { answerOf, requestOf } from '../../functions/lambda/gateway-event.ts';
import { type HttpServer, serveHttp, timeLimitsDefault } from '../../functions/local/http-server.ts';
import { httpTransport } from '../../sdk/transports/http.ts';
import { cases } from '../support/cases.ts';
import { gatewayEvent, gatewayRequestId } from '../support/gateway-event.ts';
import { loggedDefects } from '../support/local-queue.ts';

/** The operations that ran, with their parameters. */
let ran: { operation: OperationName; params: unknown }[] = [];
const { log, defects } = loggedDefects();
const app = createApp({
  service: {
    call: async (operation, params) => {
      ran.push({ operation, params: parseParams(operation, params) });
      return {} as never;
    },
  },
  authenticate: async () => administrator('admin'),
  log,
  newRequestId: () => gatewayRequestId,
});

let server: HttpServer;
beforeAll(async () => {
  server = await serveHttp(app, { host: '127.0.0.1', port: 0, timeLimits: timeLimitsDefault });
});
afterAll(async () => {
  await server.close();
  expect(defects).toEqual([]);
});

interface Answer {
  status: number;
  body: string;
}
type Entry = (method: string, path: string) => Promise<Answer>;

/** The path is sent unchanged: `fetch` would resolve it first. */
const onPort: Entry = (method, path) =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(server.url);
    const sent = httpRequest({ hostname, port, path, method }, async (response) => {
      resolve({ status: response.statusCode ?? 0, body: (await response.toArray()).join('') });
    });
    sent.on('error', reject).end();
  });

const onLambda: Entry = async (method, path) => {
  const { request, bindings } = requestOf(gatewayEvent({ method, path: decodeURIComponent(path) }));
  const { statusCode, body } = await answerOf(await app.fetch(request, bindings));
  return { status: statusCode, body };
};
const entries = [
  { name: 'the local server', call: onPort },
  { name: 'Lambda', call: onLambda },
];

const hostile = [
  '.',
  '..',
  '../..',
  '../../victim',
  'x/../victim',
  './victim',
  '..\\..\\victim',
  'vic\\tim',
  'vic\ntim',
  'victim\r',
  'vic\ttim',
  'vic\u0000tim',
  'vic\u007ftim',
  'victim/',
  '/victim',
  'victim?force=true',
  'victim#more',
  '%2e%2e',
  '..%2f..%2fvictim',
  ' victim',
  'vic tim',
];

const withParameters = cases(
  (Object.keys(routes) as OperationName[]).flatMap((operation) =>
    [...routes[operation].path.matchAll(/\{(\w+)\}/g)].map((match) => ({ operation, parameter: match[1]! })),
  ),
);

/** The operation's path with this text in one parameter, unchanged, and a good name in the others. */
const pathWith = ({ path }: Route, parameter: string, text: string) =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => (name === parameter ? text : 'good'));

const everyByte = (text: string) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');

describe.each(entries)('by $name', ({ name, call }) => {
  it.each(
    withParameters,
  )('the operation $operation does not run for a hostile parameter $parameter, however it is encoded', async ({
    operation,
    parameter,
  }) => {
    const route = routes[operation];
    let refused = 0;
    for (const text of hostile) {
      const forms = new Set([encodeURIComponent(text), everyByte(text), encodeURIComponent(text).replaceAll('.', '%2E')]);
      for (const form of forms) {
        ran = [];
        const { status, body } = await call(route.method, pathWith(route, parameter, form));
        // Through API Gateway an encoded slash equals a slash. It makes another path, and none of these is a route.
        expect({ text, form, ran }).toEqual({ text, form, ran: [] });
        expect({ text, form, body, client: status >= 400 && status < 500 }).toMatchObject({ client: true });
        expect(JSON.parse(body)).toMatchObject({
          status,
          code: expect.stringMatching(/^(invalid_input|not_found|method_not_allowed)$/),
        });
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(hostile.length);
  });

  it.each(withParameters)('the operation $operation runs with exactly the parameter $parameter that was sent', async ({
    operation,
    parameter,
  }) => {
    const route = routes[operation];
    const allowed = ['id', 'task'].includes(parameter) ? ['a..b', '...', '..a', ':', '-', '01kg.0'] : ['a', '-', '_', 'A-1'];
    for (const text of allowed) {
      for (const form of new Set([text, encodeURIComponent(text), everyByte(text)])) {
        ran = [];
        await call(route.method, pathWith(route, parameter, form));
        expect(ran).toMatchObject([{ operation, params: { [parameter]: text } }]);
      }
    }
  });

  it('a path outside the API is refused with the reason', async () => {
    for (const path of ['/v1/../v1/health', '/v1/%2e%2e/v1/queues', '/v1\\health', '/v1/queues/a%5Cb', '/v1/%0a']) {
      const { status, body } = await call('GET', path);
      expect({ name, path, status, answer: JSON.parse(body) }).toMatchObject({
        status: 400,
        answer: {
          code: 'invalid_input',
          detail: expect.stringMatching(/^path: segment \d must not/),
          requestId: gatewayRequestId,
        },
      });
    }
    expect((await call('GET', openApiPath)).status).toBe(200);
  });
});

it('a stage of API Gateway in the path is the prefix at which callers reach the API', () => {
  const event = gatewayEvent({ method: 'GET', path: '/prod/v1/health' });
  const { request } = requestOf({ ...event, requestContext: { ...event.requestContext, stage: 'prod' } });
  expect([new URL(request.url).pathname, request.headers.get('x-forwarded-prefix')]).toEqual(['/v1/health', '/prod']);
});

describe('on a port', () => {
  it('the HTTP server refuses a path with an encoded slash and gives the reason', async () => {
    for (const path of ['/v1/queues/a%2Fb', '/v1/queues/a%2fmessages%2fb', '/v1%2Fhealth']) {
      const { status, body } = await onPort('DELETE', path);
      expect({ path, status, detail: JSON.parse(body).detail }).toMatchObject({
        status: 400,
        detail: expect.stringContaining('must not have an encoded slash'),
      });
    }
  });

  it.each([
    ['http://elsewhere/v1/health', 200],
    ['http://elsewhere/v1/../health', 400],
    ['*', 400],
    ['/v1/queues/%zz', 400],
    ['/v1/queues/%ff', 400],
    ['/v1/queues?cursor=/../b%5C', 200],
  ])('the HTTP server answers the target %j with %i', async (target, status) => {
    ran = [];
    expect((await onPort('GET', target)).status).toBe(status);
  });
});

describe('the SDK', () => {
  it.each(withParameters)('the SDK sends no $operation with a parameter $parameter outside the contract', async ({
    operation,
    parameter,
  }) => {
    let sent = 0;
    const transport = httpTransport({
      url: 'http://queue.test',
      fetch: async () => {
        sent += 1;
        return new Response('{}');
      },
    });
    const params = (text: unknown) => {
      const names = [...routes[operation].path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);
      return Object.fromEntries(names.map((name) => [name, name === parameter ? text : 'good'])) as ParamsOf<OperationName>;
    };
    for (const text of [...hostile, '', undefined, 5, 'ä', 'x'.repeat(141)]) {
      const refusal = await transport.call(operation, params(text), {} as never).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(DumbwaiterError);
      expect(refusal).toMatchObject({
        code: 'invalid_input',
        message: expect.stringMatching(new RegExp(`^${parameter}: must be `)),
      });
    }
    expect(sent).toBe(0);
    await transport.call(operation, params('good'), {} as never);
    expect(sent).toBe(1);
  });
});
