import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Dumbwaiter } from '../../sdk/index.ts';
import { lambdaTransport } from '../../sdk/transports/lambda.ts';
import { type HttpListener, listen } from '../support/http-listener.ts';

interface Invocation {
  path: string | undefined;
  payload: unknown;
}

// The AWS client is the real one. The server that answers it speaks Lambda's Invoke API:
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
let server: HttpListener;
let invocations: Invocation[];
let respond: (response: ServerResponse, request: IncomingMessage) => void;
let dumbwaiter: Dumbwaiter;

beforeEach(async () => {
  invocations = [];
  server = await listen(async (request, response) => {
    invocations.push({ path: request.url, payload: await json(request) });
    respond(response, request);
  });
  const client = new LambdaClient({
    endpoint: server.url,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 's' },
    maxAttempts: 1,
  });
  dumbwaiter = new Dumbwaiter({ transport: lambdaTransport({ functionName: 'dumbwaiter-api', client }), retries: 0 });
});
afterEach(() => server.close());

function answer(status: number, body: unknown, headers: Record<string, string> = {}): void {
  respond = (response) => {
    response.writeHead(status, { 'content-type': 'application/json', 'x-amzn-requestid': 'aws-1', ...headers });
    response.end(JSON.stringify(body));
  };
}

describe('a call by Lambda invoke', () => {
  it('a call by Lambda invoke sends operation, parameters and input and returns the output', async () => {
    answer(200, { ok: true, outputText: '{"results":[{"ok":true,"id":"m1"}]}' });
    expect(await dumbwaiter.queue('orders').publish({ body: { n: 1 } })).toEqual({ ok: true, id: 'm1' });
    expect(invocations).toEqual([
      {
        path: '/2015-03-31/functions/dumbwaiter-api/invocations',
        payload: { operation: 'publish', params: { queue: 'orders' }, inputText: '{"messages":[{"body":{"n":1}}]}' },
      },
    ]);
  });

  it('a call by Lambda invoke is refused at once without a retry if the client has no region', async () => {
    // A client resolves its region at its first call. This one finds none.
    const region = () => Promise.reject(new Error('Region is missing'));
    const client = new LambdaClient({ region, credentials: { accessKeyId: 'a', secretAccessKey: 's' }, maxAttempts: 1 });
    const transport = lambdaTransport({ functionName: 'f', client });
    await expect(new Dumbwaiter({ transport }).health()).rejects.toMatchObject({
      code: 'invalid_input',
      retryable: false,
      message: 'Invoking f: Region is missing',
    });
  });

  it('a call by Lambda invoke throws the refusal that the function returns', async () => {
    answer(200, { ok: false, error: { code: 'throttled', message: 'slow down', requestId: 'r1', retryAfterMs: 250 } });
    await expect(dumbwaiter.health()).rejects.toMatchObject({
      code: 'throttled',
      message: 'slow down',
      requestId: 'r1',
      retryAfterMs: 250,
    });
  });

  it.each([
    ['internal', { errorType: 'TypeError', errorMessage: 'x is undefined' }],
    ['unavailable', { errorType: 'Sandbox.Timedout', errorMessage: 'RequestId: 1 Error: Task timed out after 30.00 seconds' }],
    [
      'unavailable',
      { errorType: 'Runtime.ExitError', errorMessage: 'RequestId: 1 Error: Runtime exited with error: signal: killed' },
    ],
  ])('a call by Lambda invoke throws %s when the function ends with %j', async (code, error) => {
    answer(200, error, { 'x-amz-function-error': 'Unhandled' });
    await expect(dumbwaiter.health()).rejects.toMatchObject({
      code,
      requestId: 'aws-1',
      message: expect.stringContaining(error.errorMessage),
    });
  });

  it.each([
    ['throttled', 429, 'TooManyRequestsException', { 'retry-after': '2' }],
    ['not_found', 404, 'ResourceNotFoundException', {}],
    ['forbidden', 403, 'AccessDeniedException', {}],
    ['payload_too_large', 413, 'RequestTooLargeException', {}],
    ['unavailable', 500, 'ServiceException', {}],
    ['unavailable', 502, 'ENILimitReachedException', {}],
  ])('a call by Lambda invoke throws %s when Lambda answers %i %s', async (code, status, name, headers) => {
    answer(status, { Message: 'told so' }, { 'x-amzn-errortype': name, ...headers });
    await expect(dumbwaiter.health()).rejects.toMatchObject({
      code,
      requestId: 'aws-1',
      message: expect.stringContaining('told so'),
    });
  });

  it('a call by Lambda invoke waits as long as Lambda asks', async () => {
    answer(429, { Message: 'told so' }, { 'x-amzn-errortype': 'TooManyRequestsException', 'retry-after': '2' });
    await expect(dumbwaiter.health()).rejects.toMatchObject({ retryAfterMs: 2_000 });
  });

  it('a call by Lambda invoke says if the function is another', async () => {
    answer(200, 'hello');
    await expect(dumbwaiter.health()).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('unknown answer'),
    });
  });

  it('a call by Lambda invoke throws unavailable if the connection breaks or no answer comes in time', async () => {
    respond = (response) => response.destroy();
    await expect(dumbwaiter.health()).rejects.toMatchObject({ code: 'unavailable' });
    respond = () => {};
    await expect(dumbwaiter.health({ timeoutMs: 50 })).rejects.toMatchObject({
      code: 'unavailable',
      message: 'No answer within 50 ms.',
    });
  });

  it('a call by Lambda invoke rejects with the reason of its signal', async () => {
    const controller = new AbortController();
    const closed = new Promise((resolve) => {
      respond = (response) => response.on('close', resolve);
    });
    const call = expect(dumbwaiter.health({ signal: controller.signal })).rejects.toThrow('enough');
    await vi.waitFor(() => expect(invocations).toHaveLength(1));
    controller.abort(new Error('enough'));
    await call;
    await closed;
  });
});
