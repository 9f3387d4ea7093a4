import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OutputOf } from '../../contract/contract.ts';
import { generatedKeyChars } from '../../contract/generated-keys.ts';
import type { LambdaContext } from '../../functions/lambda/context.ts';
import type { GatewayAnswer } from '../../functions/lambda/gateway-event.ts';
import type { InvocationAnswer } from '../../functions/lambda/invocation.ts';
import { Dumbwaiter } from '../../sdk/index.ts';
import { startTestDynamodb, type TestDynamodb } from '../support/dynamodb.ts';
import { eventually } from '../support/eventually.ts';
import { type GatewayRequest, gatewayEvent, gatewayRequestId } from '../support/gateway-event.ts';
import { type HttpListener, listen } from '../support/http-listener.ts';

const adminKey = 'the-secret-of-the-deployment';
/** The texts of other secrets, by ARN. */
const secrets = new Map<string, string>();
const context: LambdaContext = {
  awsRequestId: 'f0a1b2c3-0000-4000-8000-000000000000',
  functionName: 'redrive-function',
  getRemainingTimeInMillis: () => 30_000,
};

let dynamodb: TestDynamodb;
let aws: HttpListener;
let secretsRead = 0;
let secretsFail = false;
/** What the entries sent to Lambda and to CloudFormation. */
const invoked: { path: string; type: string | undefined; payload: { queue: string; task: string } }[] = [];
const answered: { Status: string; Reason?: string; PhysicalResourceId: string }[] = [];

let api: (event: unknown, context: LambdaContext) => Promise<unknown>;
let sweep: (event: unknown, context: LambdaContext) => Promise<void>;
let redrive: (event: { queue: string; task: string }, context: LambdaContext) => Promise<void>;
let declareQueues: (event: never, context: LambdaContext) => Promise<void>;

/** Replaces the services that the entries call besides DynamoDB, and speaks their protocols. */
function startAws(): Promise<HttpListener> {
  return listen(async (request, response) => {
    const body = await text(request);
    if (request.headers['x-amz-target'] === 'secretsmanager.GetSecretValue') {
      secretsRead += 1;
      response.statusCode = secretsFail ? 400 : 200;
      response.setHeader('content-type', 'application/x-amz-json-1.1');
      const SecretString = secrets.get((JSON.parse(body) as { SecretId: string }).SecretId) ?? adminKey;
      response.end(JSON.stringify(secretsFail ? { __type: 'AccessDeniedException' } : { SecretString }));
    } else if (request.headers['x-amz-invocation-type'] === 'DryRun') {
      response.writeHead(204).end();
    } else if (request.url?.endsWith('/invocations')) {
      invoked.push({ path: request.url, type: request.headers['x-amz-invocation-type'] as string, payload: JSON.parse(body) });
      response.writeHead(202).end();
    } else {
      answered.push(JSON.parse(body));
      response.end();
    }
  });
}

beforeAll(async () => {
  dynamodb = await startTestDynamodb();
  aws = await startAws();
  Object.assign(process.env, {
    ...dynamodb.environment,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.url,
    AWS_ENDPOINT_URL_LAMBDA: aws.url,
    DUMBWAITER_ADMIN_KEY_SECRET: 'arn:aws:secretsmanager:us-east-1:000000000000:secret:admin',
    DUMBWAITER_REDRIVE_FUNCTION: 'redrive-function',
    POWERTOOLS_LOG_LEVEL: 'SILENT',
  });
  // The entries read the environment when they load, as on Lambda.
  ({ handler: api } = await import('../../functions/lambda/api.ts'));
  ({ handler: sweep } = await import('../../functions/lambda/sweep.ts'));
  ({ handler: redrive } = await import('../../functions/lambda/redrive.ts'));
  ({ handler: declareQueues } = await import('../../functions/lambda/declare-queues.ts'));
});
afterAll(async () => {
  await aws.close();
  await dynamodb.stop();
});

async function invoke(operation: string, params: object, input?: object): Promise<InvocationAnswer> {
  return (await api({ operation, params, ...(input === undefined ? {} : { input }) }, context)) as InvocationAnswer;
}

async function viaGateway({ headers, ...request }: GatewayRequest): Promise<GatewayAnswer> {
  const event = gatewayEvent({ ...request, headers: { authorization: `Bearer ${adminKey}`, ...headers } });
  return (await api(event, context)) as GatewayAnswer;
}

describe('the api function, invoked directly', () => {
  it('the api function runs operations on direct invocation and returns refusals as values', async () => {
    expect(await invoke('createQueue', { queue: 'direct' }, {})).toMatchObject({ ok: true, output: { name: 'direct' } });
    expect(await invoke('publish', { queue: 'direct' }, { messages: [{ body: 1 }] })).toMatchObject({
      ok: true,
      output: { results: [{ ok: true }] },
    });
    const received = (await invoke('receive', { queue: 'direct' })) as { output: OutputOf<'receive'> };
    const receipts = received.output.messages.map(({ receipt }) => receipt);
    expect(await invoke('ack', { queue: 'direct' }, { receipts })).toEqual({ ok: true, output: { results: [{ ok: true }] } });
    expect(await invoke('getQueue', { queue: 'missing' })).toEqual({
      ok: false,
      error: { code: 'queue_not_found', message: expect.stringContaining('missing'), requestId: context.awsRequestId },
    });
    expect(await invoke('health', {})).toEqual({ ok: true, output: { status: 'ok' } });
  });

  it.each([
    {},
    null,
    5,
    [],
    { operation: 'toString' },
    { operation: 'constructor' },
    { operation: 5 },
  ])('the api function refuses %j, which is no call', async (event) => {
    expect(await api(event, context)).toMatchObject({ ok: false, error: { code: 'invalid_input' } });
  });

  it('the api function does not read the admin key on direct invocation', () => {
    expect(secretsRead).toBe(0);
  });
});

describe('the api function, behind API Gateway', () => {
  it('the api function answers unavailable over HTTP while the admin key cannot be read', async () => {
    secretsFail = true;
    const answer = await viaGateway({ method: 'GET', path: '/v1/queues' });
    expect(answer).toMatchObject({ statusCode: 503, headers: { 'retry-after': '1' } });
    secretsFail = false;
  });

  it('the api function accepts the admin key of the secret and reads the secret once', async () => {
    secretsRead = 0;
    expect((await viaGateway({ method: 'PUT', path: '/v1/queues/gateway', body: '{}' })).statusCode).toBe(200);
    const body = JSON.stringify({ messages: [{ body: 'ä😀' }] });
    expect((await viaGateway({ method: 'POST', path: '/v1/queues/gateway/publish', body })).statusCode).toBe(200);
    expect((await viaGateway({ method: 'POST', path: '/v1/queues/gateway/publish', body, base64: true })).statusCode).toBe(200);
    const received = await viaGateway({ method: 'POST', path: '/v1/queues/gateway/receive', body: '{"max":10}' });
    expect(received.headers).toMatchObject({ 'x-request-id': gatewayRequestId, 'content-type': 'application/json' });
    expect(JSON.parse(received.body).messages.map((message: { body: unknown }) => message.body)).toEqual(['ä😀', 'ä😀']);
    const listed = await viaGateway({ method: 'GET', path: '/v1/queues', query: 'limit=1' });
    expect(JSON.parse(listed.body).queues).toHaveLength(1);
    expect(secretsRead).toBe(1);
  });

  it('the api function refuses other keys, and paths that hide a query', async () => {
    expect((await viaGateway({ method: 'GET', path: '/v1/queues', headers: { authorization: 'Bearer x' } })).statusCode).toBe(
      401,
    );
    expect((await viaGateway({ method: 'GET', path: '/v1/queues', headers: { authorization: 'Bearer ü' } })).statusCode).toBe(
      401,
    );
    expect((await viaGateway({ method: 'GET', path: '/v1/queues/gateway#more' })).statusCode).toBe(400);
    expect((await viaGateway({ method: 'GET', path: '/v1/queues/%zz' })).statusCode).toBe(400);
    const missing = await viaGateway({ method: 'GET', path: '/nowhere' });
    expect(missing).toMatchObject({ statusCode: 404, headers: { 'content-type': 'application/problem+json' } });
    expect(JSON.parse(missing.body)).toMatchObject({ code: 'not_found', requestId: gatewayRequestId });
  });
});

describe('the api function, called by the SDK through API Gateway', () => {
  /** API Gateway passes the path on decoded. */
  const throughGateway: typeof fetch = async (input, init) => {
    const url = new URL(String(input));
    const { statusCode, headers, body } = await viaGateway({
      method: init?.method ?? 'GET',
      path: decodeURIComponent(url.pathname),
      query: url.search.slice(1),
      ...(typeof init?.body === 'string' ? { body: init.body } : {}),
    });
    return new Response(body, { status: statusCode, headers });
  };

  it.each([
    '../../kept',
    'x/../victim',
    'vic\ntim',
    '..',
    'victim/../../../kept',
  ])('the SDK cancels nothing through API Gateway by the id %j', async (id) => {
    const client = new Dumbwaiter({ url: 'https://abc.execute-api.us-east-1.amazonaws.com', fetch: throughGateway, retries: 0 });
    const kept = client.queue('kept');
    await kept.create();
    await kept.publish({ id: 'victim', body: 1 });
    await expect(kept.cancel(id)).rejects.toMatchObject({ code: 'invalid_input' });
    const path = `/v1/queues/kept/messages/${id}`;
    expect((await viaGateway({ method: 'DELETE', path })).statusCode).toBeGreaterThanOrEqual(400);
    expect(await kept.get('victim')).toMatchObject({ id: 'victim', state: 'ready' });
  });
});

describe('the redrive function', () => {
  it('the redrive function starts with a redrive, invokes itself for the rest, and ends the task', async () => {
    await invoke('createQueue', { queue: 'dead' });
    await invoke('createQueue', { queue: 'alive' }, { deadLetter: { queue: 'dead', maxReceives: 1 } });
    await invoke('publish', { queue: 'alive' }, { messages: [{ body: 'again', id: 'again' }] });
    const received = (await invoke('receive', { queue: 'alive' })) as { output: OutputOf<'receive'> };
    const receipts = received.output.messages.map(({ receipt }) => receipt);
    await invoke('release', { queue: 'alive' }, { receipts, failed: 'x' });
    const started = (await invoke('redrive', { queue: 'dead' }, {})) as { output: OutputOf<'redrive'> };
    const event = { queue: 'dead', task: started.output.id };
    const invocation = { path: '/2015-03-31/functions/redrive-function/invocations', type: 'Event', payload: event };
    expect(invoked).toEqual([invocation]);
    await redrive(event, { ...context, getRemainingTimeInMillis: () => 0 });
    expect(invoked).toEqual([invocation, invocation]);
    await redrive(event, { ...context, getRemainingTimeInMillis: () => 60_000 });
    expect(invoked).toHaveLength(2);
    expect(await invoke('getRedrive', event)).toMatchObject({ output: { state: 'done', moved: 1 } });
    expect(await invoke('receive', { queue: 'alive' }, { waitSeconds: 5 })).toMatchObject({
      output: { messages: [{ id: 'again' }] },
    });
  });
});

describe('the sweep function', () => {
  it('the sweep function dead-letters a message that no consumer receives', async () => {
    await invoke('createQueue', { queue: 'swept-dead' });
    await invoke('createQueue', { queue: 'swept' }, { deadLetter: { queue: 'swept-dead', maxReceives: 1 } });
    await invoke('publish', { queue: 'swept' }, { messages: [{ body: 1, id: 'left' }] });
    await invoke('receive', { queue: 'swept' }, { visibilityTimeoutSeconds: 0 });
    await eventually(async () => {
      await sweep({}, context);
      return (await invoke('getMessage', { queue: 'swept-dead', id: 'left' })).ok ? true : undefined;
    });
    expect(await invoke('getMessage', { queue: 'swept-dead', id: 'left' })).toMatchObject({
      output: { deadLetter: { reason: 'max_receives' } },
    });
  });
});

describe('the queues that a stack declares', () => {
  const event = (RequestType: string, queues: unknown, topics?: unknown, targets?: { now?: object; before?: object }) =>
    ({
      RequestType,
      ResponseURL: `${aws.url}/answer`,
      StackId: 'stack',
      RequestId: 'request',
      LogicalResourceId: 'Queues',
      ResourceProperties: {
        queuesJson: JSON.stringify(queues),
        topicsJson: JSON.stringify(topics),
        targetsJson: targets && JSON.stringify(targets.now),
      },
      ...(targets && { OldResourceProperties: { queuesJson: '{}', targetsJson: JSON.stringify(targets.before) } }),
    }) as never;

  it('declared queues are created in the order of their references, updated, and kept when they are declared no longer', async () => {
    const declared = { 'declared-a': { deadLetter: { queue: 'declared-b', maxReceives: 3 } }, 'declared-b': {} };
    await declareQueues(event('Create', declared), context);
    expect(answered.at(-1)).toMatchObject({
      Status: 'SUCCESS',
      StackId: 'stack',
      RequestId: 'request',
      LogicalResourceId: 'Queues',
    });
    await declareQueues(event('Update', { ...declared, 'declared-b': { delaySeconds: 5 } }), context);
    expect(answered.at(-1)).toMatchObject({ Status: 'SUCCESS' });
    expect(await invoke('getQueue', { queue: 'declared-b' })).toMatchObject({ output: { delaySeconds: 5 } });
    await declareQueues(event('Delete', declared), context);
    expect(answered.at(-1)).toMatchObject({ Status: 'SUCCESS' });
    expect(await invoke('getQueue', { queue: 'declared-a' })).toMatchObject({ output: { deadLetter: { queue: 'declared-b' } } });
  });

  it('declared topics and subscriptions are created and updated, and kept when they are declared no longer', async () => {
    const declare = async (type: string, queues: object, topics: object) => {
      await declareQueues(event(type, queues, topics), context);
      expect(answered.at(-1)).toMatchObject({ Status: 'SUCCESS' });
    };
    const subscription = async (name: string) =>
      (await invoke('getSubscription', { topic: 'declared-news', subscription: name })) as { output: object };
    const billing = { subject: 'orders.>', filter: { country: ['DE'] }, settings: { deadLetter: { queue: 'news-dead' } } };
    await declare(
      'Create',
      { 'news-dead': {}, 'news-audit': {} },
      { 'declared-news': { queueSettings: { delaySeconds: 3 }, subscriptions: { billing, audit: { queue: 'news-audit' } } } },
    );
    expect((await subscription('billing')).output).toMatchObject({
      subject: 'orders.>',
      filter: billing.filter,
      ownsQueue: true,
    });
    expect((await subscription('audit')).output).toMatchObject({ queue: 'news-audit', ownsQueue: false });
    const changed = { subject: 'orders.*', settings: { visibilityTimeoutSeconds: 7 } };
    await declare('Update', {}, { 'declared-news': { preparedTimeoutSeconds: 60, subscriptions: { billing: changed } } });
    expect((await subscription('billing')).output).toMatchObject({ subject: 'orders.*', filter: null });
    expect(await invoke('getQueue', { queue: 'declared-news~billing' })).toMatchObject({
      output: { visibilityTimeoutSeconds: 7, deadLetter: { queue: 'news-dead' } },
    });
    expect(await invoke('getTopic', { topic: 'declared-news' })).toMatchObject({
      output: { preparedTimeoutSeconds: 60, queueSettings: { delaySeconds: 3 }, subscriptions: 2 },
    });
    await declareQueues(event('Update', {}, { 'declared-news': { subscriptions: { audit: {} } } }), context);
    expect(answered.at(-1)).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('subscription_exists') });
    await declare('Delete', {}, {});
    expect(await invoke('getTopic', { topic: 'declared-news' })).toMatchObject({ output: { subscriptions: 2 } });
  });

  it('declared consumers become targets, stay paused, and are removed when they are declared no longer', async () => {
    const queue = 'declared-pushed';
    const declare = async (type: string, now?: object, before?: object) => {
      await declareQueues(event(type, { [queue]: {} }, {}, { ...(now && { now }), ...(before && { before }) }), context);
      expect(answered.at(-1)).toMatchObject({ Status: 'SUCCESS' });
    };
    const targets = async () => {
      const { output } = (await invoke('listTargets', { queue })) as { output: OutputOf<'listTargets'> };
      return output.targets.map(({ name, functionName, batchSize, state }) => ({ name, functionName, batchSize, state }));
    };
    const [charge, mail] = [{ functionName: 'charge' }, { functionName: 'mail', batchSize: 2 }];
    const first = { [queue]: { charge, mail } };
    await declare('Create', first);
    await invoke('putTarget', { queue, target: 'by-hand' }, { functionName: 'other' });
    await invoke('putTarget', { queue, target: 'mail' }, { ...mail, paused: true });
    const second = { [queue]: { mail: { functionName: 'mail-2' } } };
    await declare('Update', second, first);
    const byHand = { name: 'by-hand', functionName: 'other', batchSize: 10, state: 'active' };
    expect(await targets()).toEqual([byHand, { name: 'mail', functionName: 'mail-2', batchSize: 10, state: 'paused' }]);
    // The deployment is rolled back.
    await declare('Update', first, second);
    expect((await targets()).map(({ name }) => name)).toEqual(['by-hand', 'charge', 'mail']);
    await declare('Update', undefined, first);
    expect(await targets()).toEqual([byHand]);
    await declare('Update', first);
    await declare('Delete', first);
    expect(await targets()).toEqual([byHand]);
  });

  it('the deletion of a stack succeeds although its queue or its consumers are gone', async () => {
    await declareQueues(
      event('Delete', {}, {}, { now: { 'declared-nowhere': { charge: { functionName: 'charge' } } } }),
      context,
    );
    expect(answered.at(-1)).toMatchObject({ Status: 'SUCCESS' });
    await declareQueues(event('Delete', {}, {}, { now: { 'no queue': { charge: {} } } }), context);
    expect(answered.at(-1)).toMatchObject({ Status: 'SUCCESS' });
  });

  it('a consumer of a queue that does not exist fails the deployment with a reason', async () => {
    await declareQueues(event('Create', {}, {}, { now: { 'declared-nowhere': { charge: { functionName: 'c' } } } }), context);
    expect(answered.at(-1)).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('declared-nowhere') });
  });

  it('declared queues with invalid settings fail the deployment with a reason', async () => {
    await declareQueues(event('Create', { 'declared-c': { delaySeconds: -1 } }), context);
    expect(answered.at(-1)).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('delaySeconds') });
    await declareQueues(event('Create', { 'a b': {} }), context);
    expect(answered.at(-1)).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('a b') });
    const cycle = {
      'cycle-a': { deadLetter: { queue: 'cycle-b', maxReceives: 1 } },
      'cycle-b': { deadLetter: { queue: 'cycle-a', maxReceives: 1 } },
    };
    await declareQueues(event('Create', cycle), context);
    expect(answered.at(-1)).toMatchObject({ Status: 'FAILED' });
  });
});

describe('the API keys that a stack declares', () => {
  const arn = (name: string) => `arn:aws:secretsmanager:us-east-1:000000000000:secret:${name}`;
  const change = async (RequestType: string, key: object, secretArn: string, PhysicalResourceId?: string) => {
    await declareQueues(
      {
        RequestType,
        ResponseURL: `${aws.url}/answer`,
        StackId: 'stack',
        RequestId: 'request',
        LogicalResourceId: 'Key',
        ...(PhysicalResourceId && { PhysicalResourceId }),
        ResourceProperties: { keyJson: JSON.stringify({ name: 'checkout', ...key }), secretArn },
      } as never,
      context,
    );
    return answered.at(-1)!;
  };
  const publishAs = async (key: string, queue: string) => {
    const request = { method: 'POST', path: `/v1/queues/${queue}/publish`, body: '{"messages":[{"body":1}]}' };
    return (await viaGateway({ ...request, headers: { authorization: `Bearer ${key}` } })).statusCode;
  };

  it('a declared key is the text of its secret, covers its queue, changes with its declaration, and is revoked with it', async () => {
    await invoke('createQueue', { queue: 'keyed' }, {});
    await invoke('createQueue', { queue: 'keyed-too' }, {});
    const text = 'k'.repeat(generatedKeyChars);
    secrets.set(arn('key'), text);
    const { Status, PhysicalResourceId: id } = await change('Create', { queues: ['keyed'], scopes: ['publish'] }, arn('key'));
    expect(Status).toBe('SUCCESS');
    expect([await publishAs(text, 'keyed'), await publishAs(text, 'keyed-too')]).toEqual([200, 403]);
    const keys = async () => ((await invoke('listKeys', {})) as { output: OutputOf<'listKeys'> }).output.keys;
    expect(await keys()).toContainEqual(expect.objectContaining({ id, name: 'checkout', queues: ['keyed'], topics: [] }));
    const { createdAt } = (await keys()).find((key) => key.id === id)!;
    const updated = await change('Update', { queues: ['keyed', 'keyed-too'], scopes: ['publish'] }, arn('key'), id);
    expect(updated).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: id });
    expect((await keys()).find((key) => key.id === id)).toMatchObject({ queues: ['keyed', 'keyed-too'], createdAt });
    expect(await change('Delete', { queues: [], scopes: [] }, arn('key'), id)).toMatchObject({ Status: 'SUCCESS' });
    expect(await change('Delete', { queues: [], scopes: [] }, arn('key'), id)).toMatchObject({ Status: 'SUCCESS' });
    expect((await keys()).map((key) => key.id)).not.toContain(id);
  });

  it('a declared key with another secret is another key, so that CloudFormation removes the earlier one', async () => {
    const ids = [];
    for (const letter of ['a', 'b']) {
      secrets.set(arn(letter), letter.repeat(generatedKeyChars));
      ids.push((await change('Update', { queues: ['q'], scopes: ['receive'] }, arn(letter), 'earlier')).PhysicalResourceId);
    }
    expect(new Set(ids).size).toBe(2);
    expect(ids).not.toContain('earlier');
  });

  it('a declared key whose secret holds no generated text fails the deployment with a reason', async () => {
    const failed = await change('Create', { queues: ['q'], scopes: ['publish'] }, arn('unknown'));
    expect(failed).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('secret:unknown: does not hold a key') });
    const refused = await change('Create', { queues: ['a b'], scopes: ['publish'] }, arn('a'));
    expect(refused).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('queues') });
  });
});
