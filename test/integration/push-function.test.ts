/** Messages pushed to functions: by the local server over Lambda's Invoke API, and by the entries of a deployment, on DynamoDB. */
import { text as textOf } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LambdaContext } from '../../functions/lambda/context.ts';
import { startLocal } from '../../functions/local/server.ts';
import { Dumbwaiter } from '../../sdk/index.ts';
import { scanRows, startTestDynamodb, type TestDynamodb } from '../support/dynamodb.ts';
import { eventually } from '../support/eventually.ts';
import { type HttpListener, listen } from '../support/http-listener.ts';
import { adminKey, loggedDefects } from '../support/local-queue.ts';
import { startPushReceiver } from '../support/push-receiver.ts';

interface Invocation {
  functionName: string;
  type: string | undefined;
  payload: { Records: { messageId: string; body: string }[] } & { queue?: string };
}

interface Answer {
  status?: number;
  headers?: Record<string, string>;
  text?: string;
}

let dynamodb: TestDynamodb;
let lambda: HttpListener;
let invoked: Invocation[] = [];
/** A queue for which Lambda refuses to invoke the dispatch function. */
let refused: string | undefined;
let answer: (invocation: Invocation) => Answer | Promise<Answer>;
const missing = (functionName: string): Answer => ({
  status: 404,
  headers: { 'x-amzn-errortype': 'ResourceNotFoundException' },
  text: JSON.stringify({ Message: `Function not found: ${functionName}`, Type: 'User' }),
});
const { log, defects } = loggedDefects();
const environment = { ...process.env };

/** Lambda's Invoke API: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
beforeAll(async () => {
  dynamodb = await startTestDynamodb();
  lambda = await listen(async (request, response) => {
    const text = await textOf(request);
    const functionName = decodeURIComponent(/functions\/([^/]+)\/invocations/.exec(request.url!)![1]!);
    const type = request.headers['x-amz-invocation-type'] as string | undefined;
    const isCheck = type === 'DryRun';
    const payload: Invocation['payload'] = text === '' ? { Records: [] } : JSON.parse(text);
    const invocation: Invocation = { functionName, type, payload };
    if (!isCheck) invoked.push(invocation);
    const {
      status = 200,
      headers,
      text: told = 'null',
    }: Answer = functionName.startsWith('missing')
      ? missing(functionName)
      : isCheck
        ? { status: 204, text: '' }
        : type === 'Event'
          ? { status: payload.queue === refused ? 403 : 202, text: '' }
          : await answer(invocation);
    response.writeHead(status, headers);
    response.end(told);
  });
  Object.assign(process.env, { ...dynamodb.environment, AWS_ENDPOINT_URL_LAMBDA: lambda.url, POWERTOOLS_LOG_LEVEL: 'SILENT' });
});
afterAll(async () => {
  process.env = environment;
  await lambda.close();
  await dynamodb.stop();
  expect(defects).toEqual([]);
});
beforeEach(() => {
  invoked = [];
  refused = undefined;
  answer = () => ({});
});

const inMemory = () => startLocal({ data: 'memory', log, adminKey });
const onDynamodb = () => startLocal({ data: { endpoint: dynamodb.endpoint }, log, adminKey });
const queueAt = (url: string, name: string) => new Dumbwaiter({ url, apiKey: adminKey }).queue(name);

describe('a local server', () => {
  it('a local server invokes a function with batches, and acks what the function did not report', async () => {
    const server = await inMemory();
    const queue = queueAt(server.url, 'orders');
    await queue.create({ keep: { doneSeconds: 60 } });
    answer = ({ payload: { Records } }) => {
      const failed = Records.filter(({ body }) => body === 'bad').map(({ messageId }) => ({ itemIdentifier: messageId }));
      return { text: JSON.stringify({ batchItemFailures: failed }) };
    };
    const published = await queue.publish(['good', 'bad', 'fine'].map((body) => ({ body })));
    const ids = published.map((result) => (result as { id: string }).id);
    await queue.targets.put('fn', { functionName: 'orders-fn', batchSize: 3, reportBatchItemFailures: true });
    const states = await eventually(async () => {
      const messages = await Promise.all(ids.map((id) => queue.get(id)));
      return messages.some(({ state }) => state === 'leased' || state === 'ready') ? undefined : messages;
    });
    expect(states.map(({ state }) => state)).toEqual(['done', 'delayed', 'done']);
    expect(states[1]).toMatchObject({ failures: 1, lastFailure: 'the function reported that this message failed' });
    expect(invoked[0]).toMatchObject({ functionName: 'orders-fn' });
    expect(invoked[0]!.payload.Records.map(({ body }) => body).sort()).toEqual(['bad', 'fine', 'good']);
    await server.close();
  });

  it('a local server refuses a function that Lambda does not know', async () => {
    const server = await inMemory();
    const queue = queueAt(server.url, 'orders');
    await queue.create();
    await expect(queue.targets.put('fn', { functionName: 'missing-fn' })).rejects.toMatchObject({
      code: 'invalid_input',
      message: 'functionName: there is no function "missing-fn"',
    });
    expect(await queue.targets.list()).toEqual([]);
    await server.close();
  });

  it('a function that throws leaves its messages to the backoff of their queue, with its error', async () => {
    const server = await inMemory();
    const queue = queueAt(server.url, 'orders');
    await queue.create({ backoff: { minSeconds: 60, maxSeconds: 60, factor: 1, jitter: 0 } });
    answer = () => ({
      headers: { 'x-amz-function-error': 'Unhandled' },
      text: JSON.stringify({ errorType: 'KeyError', errorMessage: "'order'" }),
    });
    await queue.targets.put('fn', { functionName: 'orders-fn' });
    const { id } = await queue.publish({ body: 1 });
    await eventually(async () => (await queue.get(id)).state === 'delayed');
    expect(await queue.get(id)).toMatchObject({ failures: 1, lastFailure: "KeyError: 'order'" });
    await server.close();
  });
});

it('two servers on the same tables call a URL no more than maxConcurrency times at once, and one continues for the other', async () => {
  const receiver = await startPushReceiver();
  const release = Promise.withResolvers<void>();
  receiver.answer = async () => {
    await release.promise;
    return {};
  };
  const [one, other] = [await onDynamodb(), await onDynamodb()];
  const queue = queueAt(one.url, 'shared');
  await queue.create();
  await queue.targets.put('hook', { url: receiver.url, maxConcurrency: 3 });
  await queueAt(other.url, 'shared').publish(Array.from({ length: 20 }, (_, body) => ({ body })));
  await receiver.received(3);
  release.resolve();
  await receiver.received(20);
  expect(receiver.mostAtOnce()).toBe(3);
  await one.close();
  await queueAt(other.url, 'shared').publish({ body: 'after' });
  await receiver.received(21);
  await queueAt(other.url, 'shared').targets.delete('hook');
  await other.close();
  await receiver.close();
});

describe('the dispatch function of a deployment', () => {
  const context: LambdaContext = { awsRequestId: 'r', functionName: 'dispatch-fn', getRemainingTimeInMillis: () => 60_000 };
  type Handler<Event> = (event: Event, context: LambdaContext) => Promise<unknown>;
  let dispatch: Handler<object>;
  let sweep: Handler<object>;
  let api: (operation: string, params: object, input?: object) => Promise<{ ok: boolean; output: Record<string, unknown> }>;
  beforeAll(async () => {
    process.env.DUMBWAITER_DISPATCH_FUNCTION = 'dispatch-fn';
    // The entries read the environment when they load, as on Lambda.
    ({ handler: dispatch } = (await import('../../functions/lambda/dispatch.ts')) as { handler: Handler<object> });
    ({ handler: sweep } = (await import('../../functions/lambda/sweep.ts')) as { handler: Handler<object> });
    const { handler } = await import('../../functions/lambda/api.ts');
    api = async (operation, params, input = {}) => (await handler({ operation, params, input }, context)) as never;
  });

  /** What the stream of `messages` says of a message that was published to the queue. */
  async function streamOf(queue: string) {
    const rows = await scanRows(dynamodb.sdk, dynamodb.tables.queues);
    const { incarnation } = rows.find(({ kind, name }) => kind === 'queue' && name === queue)!;
    const shard = { S: `${incarnation}:0` };
    return { Records: [{ eventName: 'INSERT', dynamodb: { Keys: { shard, id: { S: 'x' } } } }] };
  }

  it('the dispatch function invokes itself for a queue with a target that a stream names, and then delivers', async () => {
    await api('createQueue', { queue: 'pushed' });
    await api('createQueue', { queue: 'plain' });
    await api('putTarget', { queue: 'pushed', target: 'fn' }, { functionName: 'orders-fn' });
    await api('publish', { queue: 'pushed' }, { messages: [{ body: 'hello' }] });
    await dispatch(await streamOf('plain'), context);
    expect(invoked).toEqual([]);
    await eventually(async () => {
      await dispatch(await streamOf('pushed'), context);
      return invoked.length > 0;
    });
    expect(invoked[0]).toMatchObject({ functionName: 'dispatch-fn', type: 'Event', payload: { queue: 'pushed' } });
    invoked = [];
    await dispatch({ queue: 'pushed' }, context);
    expect(invoked).toMatchObject([
      { functionName: 'orders-fn', payload: { Records: [{ body: 'hello', eventSource: 'dumbwaiter' }] } },
    ]);
    expect(await api('getQueue', { queue: 'pushed' })).toMatchObject({ output: { counts: { ready: 0, leased: 0 } } });
  });

  it('the sweep invokes the dispatch function for queues with a target and waiting messages only', async () => {
    await api('createQueue', { queue: 'empty' });
    await api('putTarget', { queue: 'empty', target: 'fn' }, { functionName: 'orders-fn' });
    await api('publish', { queue: 'plain' }, { messages: [{ body: 1 }] });
    await api('publish', { queue: 'pushed' }, { messages: [{ body: 2 }] });
    await sweep({}, context);
    expect(invoked).toMatchObject([{ functionName: 'dispatch-fn', type: 'Event', payload: { queue: 'pushed' } }]);
    await dispatch({ queue: 'pushed' }, context);
    expect(invoked).toHaveLength(2);
  });

  it('the sweep invokes the dispatch function for every queue, although Lambda refuses one, and then fails', async () => {
    const names = Array.from({ length: 20 }, (_, n) => `each${n}`);
    for (const queue of names) {
      await api('createQueue', { queue });
      await api('putTarget', { queue, target: 'fn' }, { functionName: 'orders-fn' });
      await api('publish', { queue }, { messages: [{ body: 1 }] });
    }
    refused = 'each7';
    const failure = await eventually(() => sweep({}, context).then(() => undefined, String));
    expect(failure).toContain('403');
    const invokedFor = invoked.map(({ payload }) => payload.queue);
    expect(invokedFor).toEqual(expect.arrayContaining(names));
    for (const queue of names) await dispatch({ queue }, context);
  });

  it('a function that is missing breaks its target, and its messages stay in their queue', async () => {
    await api('createQueue', { queue: 'lost' });
    await api('putTarget', { queue: 'lost', target: 'fn' }, { functionName: 'denied-fn' });
    answer = () => missing('denied-fn');
    await api('publish', { queue: 'lost' }, { messages: [{ body: 1 }] });
    await dispatch({ queue: 'lost' }, context);
    expect(await api('getTarget', { queue: 'lost', target: 'fn' })).toMatchObject({
      output: { state: 'broken', lastError: { message: expect.stringContaining('Function not found') } },
    });
    expect(await api('peek', { queue: 'lost' })).toMatchObject({ output: { messages: [{ state: 'ready', receives: 0 }] } });
  });
});
