import { App, CfnParameter, Fn, Stack } from 'aws-cdk-lib';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { beforeAll, describe, expect, test } from 'vitest';
import { Dumbwaiter, type DumbwaiterProps } from '../../infra/index.ts';
import { checkPropValues } from '../../infra/prop-checks.ts';
import { addStack } from '../../infra/stack.ts';
import { ensureBundles, synthesize } from './synthesized.ts';

beforeAll(async () => {
  await ensureBundles();
});

const synth = (props: object) => new Dumbwaiter(new Stack(new App(), 'Test'), 'Dumbwaiter', props as DumbwaiterProps);
const message = { body: 1 };
const noon = '2030-01-01T12:00:00.000Z';
const subscribing = (all: object) => ({ topics: { news: { subscriptions: { all } } } });

describe('the check of declared settings at synth', () => {
  test.each([
    ['a number beyond its limit', { queues: { orders: { delaySeconds: -1 } } }, 'queues.orders.delaySeconds: must be'],
    [
      'a nested number',
      { queues: { orders: { deadLetter: { queue: 'd', maxReceives: 0 } } } },
      'queues.orders.deadLetter.maxReceives: must',
    ],
    ['an unknown setting', { queues: { orders: { visibilityTimeout: 30 } } }, 'queues.orders.visibilityTimeout: unknown field'],
    ['a setting of the wrong type', { queues: { orders: { paused: 'yes' } } }, 'queues.orders.paused: must be true or false'],
    ['null for settings', { queues: { orders: null } }, 'queues.orders: must be a JSON object'],
    ['an invalid queue name', { queues: { 'a b': {} } }, 'queues: the name "a b": queue: must be'],
    [
      'an invalid schedule',
      { schedules: { hourly: { queue: 'orders', everySeconds: 1, message } } },
      'schedules.hourly.everySeconds: must be',
    ],
    [
      'an invalid message of a schedule',
      { schedules: { hourly: { queue: 'q', everySeconds: 60, message: { nonsense: 1 } } } },
      'schedules.hourly.message',
    ],
    [
      'a cron expression with a minute that no hour has',
      { schedules: { hourly: { queue: 'q', cron: '61 * * * *', message } } },
      'schedules.hourly.cron: cannot be read, was "61 * * * *"',
    ],
    [
      'a cron expression that never falls due',
      { schedules: { hourly: { queue: 'q', cron: '0 0 30 2 *', message } } },
      'schedules.hourly.cron: never falls due, was "0 0 30 2 *"',
    ],
    [
      'a schedule that ends before it starts',
      { schedules: { hourly: { queue: 'q', everySeconds: 60, startAt: noon, endAt: noon, message } } },
      'schedules.hourly.endAt: must be later than startAt',
    ],
    [
      'dead letters that would come back',
      { queues: { a: { deadLetter: { queue: 'b' } }, b: { deadLetter: { queue: 'a' } } } },
      'queues.a.deadLetter.queue: dead letters would come back: a → b → a',
    ],
    [
      'an invalid schedule name',
      { schedules: { 'a/b': { queue: 'q', everySeconds: 60, message } } },
      'schedules: the name "a/b"',
    ],
    ['an unknown setting of a topic', { topics: { news: { nonsense: 1 } } }, 'topics.news.nonsense: unknown field'],
    ['null for a topic', { topics: { news: null } }, 'topics.news: must be an object, was null'],
    ['an invalid topic name', { topics: { 'a~b': {} } }, 'topics: the name "a~b": topic: must be'],
    [
      'a nested setting of the queues of a topic',
      { topics: { news: { queueSettings: { deadLetter: { queue: 'd', maxReceives: 0 } } } } },
      'topics.news.queueSettings.deadLetter.maxReceives: must be',
    ],
    ['a list of subscriptions', { topics: { news: { subscriptions: [] } } }, 'topics.news.subscriptions: must be an object'],
    [
      'an invalid subscription name',
      { topics: { news: { subscriptions: { 'a b': {} } } } },
      'topics.news.subscriptions: the name "a b": subscription: must be',
    ],
    [
      'an unknown field of a subscription',
      subscribing({ subjects: 'a' }),
      'topics.news.subscriptions.all.subjects: unknown field; the nearest is subject',
    ],
    [
      'an invalid subject',
      subscribing({ subject: 'a.>.b' }),
      'topics.news.subscriptions.all.subject: `>` must be the last token',
    ],
    [
      'a filter with an unknown operator',
      subscribing({ filter: { price: [{ above: 3 }] } }),
      'topics.news.subscriptions.all.filter.price[0]: has no operator "above"',
    ],
    [
      'a nested filter on attributes',
      subscribing({ filter: { customer: { country: ['DE'] } } }),
      'topics.news.subscriptions.all.filter.customer: must be a list',
    ],
    [
      'settings of a queue that a subscription does not own',
      subscribing({ queue: 'orders', settings: { delaySeconds: 1 } }),
      'topics.news.subscriptions.all.settings: must be given without queue',
    ],
  ])('the construct refuses %s and names its path', (_, props, expected) => {
    expect(() => synth(props)).toThrow(`Test/Dumbwaiter: what it declares would be refused.\n  ${expected}`);
  });

  test('the construct reports every mistake of a declaration at once', () => {
    const queues = { a: { delaySeconds: -1 }, b: { retentionSeconds: 1 } };
    expect(() => synth({ queues })).toThrow(/queues\.a\.delaySeconds: .*\n {2}queues\.b\.retentionSeconds: /);
  });

  test('the construct accepts a queue whose name ends with .fifo', () => {
    const queues = { 'orders.fifo': { deadLetter: { queue: 'dead.fifo' } }, 'dead.fifo': {} };
    expect(() => synth({ queues })).not.toThrow();
  });

  test('the construct accepts topics with subscriptions of every kind', () => {
    const subscriptions = {
      all: {},
      billing: { subject: 'orders.*.paid', settings: { deadLetter: { queue: 'dead' } } },
      audit: { filter: { customer: { country: ['DE', { prefix: 'A' }] } }, filterScope: 'body', queue: 'audit' },
      guests: { filter: null, expiresAfterSeconds: 60 },
    };
    expect(() => synth({ topics: { news: { queueSettings: { delaySeconds: 1 }, subscriptions }, empty: {} } })).not.toThrow();
  });

  test('the app refuses a declared setting that the construct refuses', () => {
    const context = { queues: '{"orders":{"delaySeconds":-1}}' };
    expect(() => addStack(new App({ context }))).toThrow('queues.orders.delaySeconds: must be');
  });

  test('the construct accepts a setting whose value is known only at deployment', () => {
    const withCheckBack = (more: object) =>
      synthesize((stack) => {
        const { functionName } = LambdaFunction.fromFunctionName(stack, 'Check', Fn.importValue('check'));
        const prepared = { timeoutSeconds: 60, checkBack: { functionName: `${functionName}${stack.region}` } };
        return { queues: { orders: { prepared, ...more } } };
      });
    expect(withCheckBack({}).all('Custom::DumbwaiterQueues')).toHaveLength(1);
    expect(() => withCheckBack({ nonsense: 1 })).toThrow('queues.orders.nonsense: unknown field');
  });
});

describe('the check of the props at synth', () => {
  test.each([
    [{ memorySize: 10 }, 'memorySize: must be a whole number from 128 to 10240; it is 10'],
    [{ receiveConcurrency: 0 }, 'receiveConcurrency: must be a whole number of at least 1; it is 0'],
    [{ sqs: true, sqsConcurrency: 1.5 }, 'sqsConcurrency: must be a whole number of at least 1; it is 1.5'],
    [{ throttle: { requestsPerSecond: 5, burst: -1 } }, 'throttle.burst: must be a whole number of at least 1; it is -1'],
    [
      { tableCapacity: { leases: { maxReadRequestUnits: 0 } } },
      'tableCapacity.leases.maxReadRequestUnits: must be a whole number of at least 1; it is 0',
    ],
    [
      { tableCapacity: { queues: { warmThroughput: { readUnitsPerSecond: 12_000, writeUnitsPerSecond: 100 } } } },
      'tableCapacity.queues.warmThroughput.writeUnitsPerSecond: must be a whole number of at least 4000; it is 100',
    ],
    [{ logRetention: 15 }, 'logRetention: must be one of RetentionDays; it is 15'],
    [{ allowedOrigins: ['example.com'] }, 'allowedOrigins: must be an origin, such as https://example.com, without a path'],
    [{ allowedOrigins: ['https://example.com/'] }, 'allowedOrigins: must be an origin, such as https://example.com'],
    [{ pushAllowedHosts: ['hooks.internal:8080'] }, 'pushAllowedHosts: The list of allowed hosts has "hooks.internal:8080"'],
  ])('the construct refuses the props %j and names the path', (props, expected) => {
    expect(() => synth(props)).toThrow(`Test/Dumbwaiter: ${expected}`);
  });

  test('the construct accepts props at their limits, and numbers that are known only at deployment', () => {
    const memory = new CfnParameter(new Stack(new App(), 'Other'), 'Memory', { type: 'Number' }).valueAsNumber;
    const props = {
      allowedOrigins: ['*', 'https://*', 'http://localhost:5173'],
      pushAllowedHosts: ['*.example.com', '10.0.0.7'],
    };
    for (const memorySize of [memory, 128, 10_240]) checkPropValues('Test', { memorySize, ...props });
  });

  test('the construct refuses the name of a queue that no queue can have', () => {
    expect(() => synth({}).queue('a,b')).toThrow('Test/Dumbwaiter: queue: must be');
  });
});
