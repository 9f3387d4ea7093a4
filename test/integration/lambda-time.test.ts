/** The api function while DynamoDB hangs: what its callers are told before Lambda ends it. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LambdaContext } from '../../functions/lambda/context.ts';
import type { GatewayAnswer } from '../../functions/lambda/gateway-event.ts';
import { startTestDynamodb, type TestDynamodb } from '../support/dynamodb.ts';
import { type FaultyEndpoint, startFaultyEndpoint } from '../support/faulty-endpoint.ts';
import { gatewayEvent, gatewayRequestId } from '../support/gateway-event.ts';

/** A second of this is reserved for the answer. */
const remainingMs = 1_300;
const context: LambdaContext = {
  awsRequestId: 'f0a1b2c3-0000-4000-8000-000000000000',
  functionName: 'api',
  getRemainingTimeInMillis: () => remainingMs,
};

let dynamodb: TestDynamodb;
let endpoint: FaultyEndpoint;
let api: (event: unknown, context: LambdaContext) => Promise<unknown>;

beforeAll(async () => {
  dynamodb = await startTestDynamodb();
  endpoint = await startFaultyEndpoint(dynamodb.endpoint);
  Object.assign(process.env, {
    ...dynamodb.environment,
    AWS_ENDPOINT_URL_DYNAMODB: endpoint.url,
    POWERTOOLS_LOG_LEVEL: 'SILENT',
  });
  ({ handler: api } = await import('../../functions/lambda/api.ts'));
  const creating = api(
    { operation: 'createQueue', params: { queue: 'q' } },
    { ...context, getRemainingTimeInMillis: () => 30_000 },
  );
  expect(await creating).toMatchObject({ ok: true });
});
afterAll(async () => {
  await endpoint.stop();
  await dynamodb.stop();
});
afterEach(() => {
  endpoint.fates.length = 0;
});

const hang = () => endpoint.fates.push(...Array.from({ length: 20 }, () => 'hang' as const));
const unavailable = { code: 'unavailable', message: expect.stringContaining('did not finish in time') };

describe('while DynamoDB does not answer', () => {
  it.each([
    ['publish', { messages: [{ body: 1 }] }],
    ['receive', { waitSeconds: 20 }],
    ['getQueue', {}],
    ['listKeys', {}],
  ])('the operation %s by invocation is answered with unavailable while DynamoDB does not answer', async (operation, input) => {
    hang();
    const answer = await api({ operation, params: operation === 'listKeys' ? {} : { queue: 'q' }, input }, context);
    expect(answer).toEqual({ ok: false, error: { ...unavailable, requestId: context.awsRequestId, retryAfterMs: 1000 } });
  });

  it('a call over HTTP is answered with a problem while DynamoDB does not answer, for the key either', async () => {
    hang();
    const event = gatewayEvent({
      method: 'POST',
      path: '/v1/queues/q/publish',
      headers: { authorization: `Bearer dw_000000000000_${'0'.repeat(32)}` },
      body: '{"messages":[{"body":1}]}',
    });
    const answer = (await api(event, context)) as GatewayAnswer;
    expect(answer).toMatchObject({
      statusCode: 503,
      headers: { 'content-type': 'application/problem+json', 'retry-after': '1', 'x-request-id': gatewayRequestId },
    });
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'unavailable', requestId: gatewayRequestId });
  });
});

it('a receive that would wait longer than its function lives is answered without messages', async () => {
  const call = { operation: 'receive', params: { queue: 'q' }, input: { waitSeconds: 20 } };
  const answer = await api(call, { ...context, getRemainingTimeInMillis: () => 6_000 });
  expect(answer).toEqual({ ok: true, output: expect.objectContaining({ messages: [] }) });
});
