/** Runs the functions' own code into failures that no caller sees. Each writes a line that the metric of an alarm counts. */
import { text } from 'node:stream/consumers';
import { DeleteItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { type LogMetric, type LogMetricTerms, logMetrics } from '../../contract/metrics.ts';
import type { LambdaContext } from '../../functions/lambda/context.ts';
import type { LogFields } from '../../functions/service/log.ts';
import { startTestDynamodb, type TestDynamodb } from '../support/dynamodb.ts';
import { checkEmf, type EmfLine, metricsIn } from '../support/emf-lines.ts';
import { type HttpListener, listen } from '../support/http-listener.ts';

type Handler = (event: object, context: LambdaContext) => Promise<unknown>;
type Name = 'api' | 'sweep' | 'dispatch' | 'declare-queues';

const context: LambdaContext = { awsRequestId: 'r', functionName: 'f', getRemainingTimeInMillis: () => 60_000 };
const handlers = new Map<Name, Handler>();
/** The lines that the function which ran last wrote. */
const lines: (LogFields & Partial<EmfLine>)[] = [];

let dynamodb: TestDynamodb;
let aws: HttpListener;

beforeAll(async () => {
  dynamodb = await startTestDynamodb();
  // Lambda, which knows no function but the redrive function, and CloudFormation, which takes every answer.
  aws = await listen(async (request, response) => {
    await text(request);
    const isUnknown = request.url?.includes('/functions/') && !request.url.includes('redrive');
    const isDryRun = request.headers['x-amz-invocation-type'] === 'DryRun';
    response.writeHead(isUnknown && !isDryRun ? 404 : 202, isUnknown ? { 'x-amzn-errortype': 'ResourceNotFoundException' } : {});
    response.end('{}');
  });
  Object.assign(process.env, {
    ...dynamodb.environment,
    AWS_ENDPOINT_URL_LAMBDA: aws.url,
    DUMBWAITER_REDRIVE_FUNCTION: 'redrive',
    DUMBWAITER_METRICS_NAMESPACE: 'Dumbwaiter/Test/1',
    DUMBWAITER_METRICS_QUEUES: 'orders',
    DUMBWAITER_METRICS_TOPICS: 'news',
  });
  // Lambda takes what is written to either.
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((line) => lines.push(JSON.parse(String(line))) > 0);
  }
  // The entries read the environment when they load, as on Lambda.
  for (const name of ['api', 'sweep', 'dispatch', 'declare-queues'] as const) {
    handlers.set(name, (await import(`../../functions/lambda/${name}.ts`)).handler);
  }
});
afterAll(async () => {
  vi.restoreAllMocks();
  await aws.close();
  await dynamodb.stop();
});

async function run(name: Name, event: object, given: Partial<LambdaContext> = {}): Promise<unknown> {
  lines.length = 0;
  return handlers.get(name)!(event, { ...context, ...given });
}

async function call(operation: string, params: object, input: object = {}) {
  return (await run('api', { operation, params, input })) as { ok: boolean; output: Record<string, string> };
}

/** How many lines of the function's last run the metric counts. */
function countedBy(metric: LogMetric): number {
  const { kind, unless }: LogMetricTerms = logMetrics[metric];
  return lines.filter((line) => line.kind === kind && (unless === undefined || line[unless] === false)).length;
}

function printed() {
  return metricsIn(lines.filter((line) => line._aws !== undefined).map((line) => checkEmf(line as EmfLine)));
}

it('a call by invocation that meets a defect counts for the alarm Defects, and lowers the availability of its operation', async () => {
  const row = { kind: { S: 'queue' }, name: { S: 'broken' } };
  await dynamodb.sdk.send(new PutItemCommand({ TableName: dynamodb.tables.queues, Item: row }));
  onTestFinished(async () => {
    await dynamodb.sdk.send(new DeleteItemCommand({ TableName: dynamodb.tables.queues, Key: row }));
  });
  expect(await call('getQueue', { queue: 'broken' })).toMatchObject({ error: { code: 'internal' } });
  expect(countedBy('defects')).toBe(1);
  expect(printed()).toContainEqual({
    name: 'Availability',
    unit: 'Percent',
    dimensions: { operation: 'getQueue' },
    values: [0],
  });
  const named = { operation: 'getQueue', queue: 'broken', code: 'internal' };
  expect(lines).toContainEqual(expect.objectContaining({ level: 'ERROR', kind: 'defect', ...named }));
  expect(lines).toContainEqual(expect.objectContaining({ message: 'Answered', ...named }));
});

it('a call by invocation for which DynamoDB is too slow counts for the alarm Unavailable', async () => {
  const late = { getRemainingTimeInMillis: () => 0 };
  await run('api', { operation: 'listQueues', params: {}, input: {} }, late);
  expect(countedBy('unavailable')).toBe(1);
  const availability = { name: 'Availability', unit: 'Percent', dimensions: { operation: 'listQueues' }, values: [0] };
  expect(printed()).toContainEqual(availability);
});

it('queues that a stack declares and that are refused count for the alarm DeclarationsFailed', async () => {
  const ResourceProperties = { queuesJson: JSON.stringify({ orders: { delaySeconds: -1 } }) };
  await run('declare-queues', { RequestType: 'Create', ResponseURL: aws.url, ResourceProperties });
  expect(countedBy('declarationsFailed')).toBe(1);
});

it('a sweep that has no time left counts for the alarm SweepIncomplete', async () => {
  await call('createQueue', { queue: 'orders' });
  await run('sweep', {}, { getRemainingTimeInMillis: () => 0 });
  expect(countedBy('sweepsIncomplete')).toBe(1);
});

it('a stalled redrive task counts for the alarm TasksStalled each time that the sweep restarts it', async () => {
  await call('createQueue', { queue: 'dead' });
  await call('createQueue', { queue: 'alive' }, { deadLetter: { queue: 'dead', maxReceives: 1 } });
  const { output } = await call('redrive', { queue: 'dead' });
  await run('sweep', {});
  expect(countedBy('tasksStalled')).toBe(0);
  await dynamodb.sdk.send(
    new UpdateItemCommand({
      TableName: dynamodb.tables.queues,
      Key: { kind: { S: 'task' }, name: { S: `dead:${output.id}` } },
      UpdateExpression: 'SET updatedAt = :then',
      ExpressionAttributeValues: { ':then': { N: '0' } },
    }),
  );
  await run('sweep', {});
  expect(countedBy('tasksStalled')).toBe(1);
});

it('a target whose function is gone counts for the alarm TargetsFailed', async () => {
  await call('putTarget', { queue: 'orders', target: 'fn' }, { functionName: 'gone' });
  await call('publish', { queue: 'orders' }, { messages: [{ body: 1 }] });
  await run('dispatch', { queue: 'orders' });
  expect(countedBy('targetsFailed')).toBe(1);
});

it('a schedule whose queue is gone counts for the alarm SchedulesFailed', async () => {
  await call('createQueue', { queue: 'rare' });
  expect(await call('putSchedule', { name: 'often' }, { queue: 'rare', everySeconds: 10, message: { body: 1 } })).toMatchObject({
    ok: true,
  });
  await call('deleteQueue', { queue: 'rare' });
  await run('sweep', {});
  expect(countedBy('schedulesFailed')).toBe(1);
});

it('a publish to a topic prints the metrics of the topic, and lines about it name the topic and the code', async () => {
  await call('createTopic', { topic: 'news' });
  const publish = (topic: string) => call('publishToTopic', { topic }, { messages: [{ body: 1 }, { body: 2 }] });
  await publish('news');
  const ofTopic = printed().filter(({ dimensions }) => 'topic' in dimensions);
  expect(ofTopic.map(({ name, dimensions, values }) => [name, dimensions, values])).toEqual([
    ['TopicPublished', { topic: 'news' }, [2]],
    ['TopicUnmatched', { topic: 'news' }, [2]],
  ]);
  await publish('missing');
  const named = { message: 'Answered', operation: 'publishToTopic', topic: 'missing', code: 'topic_not_found' };
  expect(lines).toContainEqual(expect.objectContaining(named));
});

it('a sweep prints the depth and the age of queues that have metrics of their own, and of no others', async () => {
  await run('sweep', {});
  const ofQueues = printed().filter(({ dimensions }) => 'queue' in dimensions);
  expect(new Set(ofQueues.map(({ dimensions }) => dimensions.queue))).toEqual(new Set(['orders']));
  const values = Object.fromEntries(ofQueues.map(({ name, values }) => [name, values]));
  expect(values).toMatchObject({ ReadyMessages: [1], LeasedMessages: [0], OldestAgeSeconds: [expect.any(Number)] });
});
