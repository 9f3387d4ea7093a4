import { describe, expect, it } from 'vitest';
import { queueMetrics, topicMetrics } from '../../../../contract/metrics.ts';
import { createEmf } from '../../../../functions/metrics/emf.ts';
import { createDrivenClock } from '../../../support/driven-clock.ts';
import { checkEmf, type EmfLine, metricsIn } from '../../../support/emf-lines.ts';

const now = Date.parse('2026-01-31T12:00:00.000Z');

/** Prints metrics of these queues, and of the topic `news`. */
function printing(...queues: string[]) {
  const lines: EmfLine[] = [];
  const clock = createDrivenClock(now);
  const print = (line: string) => void lines.push(checkEmf(JSON.parse(line)));
  const emf = createEmf({ namespace: 'Dumbwaiter/Test/1', queues: new Set(queues), topics: new Set(['news']), clock, print });
  return { ...emf, lines, clock };
}

describe('metrics in the embedded metric format', () => {
  it('an invocation that did one call on one queue prints one line, with what happened and no more', () => {
    const { meter, answered, flush, lines } = printing('orders');
    meter.counted('orders', 'received', 2);
    meter.timed('orders', 'waiting', 0.5);
    meter.timed('orders', 'waiting', 4);
    meter.counted('orders', 'deadLettered', 1);
    answered('receive', true);
    flush();
    const queue = { queue: 'orders' };
    expect(lines).toHaveLength(1);
    expect(lines[0]!._aws.Timestamp).toBe(now);
    expect(metricsIn(lines)).toEqual([
      { name: 'Received', unit: 'Count', dimensions: {}, values: [2] },
      { name: 'Received', unit: 'Count', dimensions: queue, values: [2] },
      { name: 'WaitingSeconds', unit: 'Seconds', dimensions: {}, values: [0.5, 4] },
      { name: 'WaitingSeconds', unit: 'Seconds', dimensions: queue, values: [0.5, 4] },
      { name: 'DeadLettered', unit: 'Count', dimensions: queue, values: [1] },
      { name: 'Availability', unit: 'Percent', dimensions: {}, values: [100] },
      { name: 'Availability', unit: 'Percent', dimensions: { operation: 'receive' }, values: [100] },
    ]);
  });

  it('an invocation in which nothing happened prints nothing, and nothing is printed twice', () => {
    const { meter, flush, lines } = printing('orders');
    flush();
    expect(lines).toEqual([]);
    meter.counted('orders', 'published', 1);
    flush();
    flush();
    expect(lines).toHaveLength(1);
  });

  it('receives that find nothing are printed once a minute, and at once with anything else that happened', () => {
    const { meter, answered, flush, lines, clock } = printing('orders');
    const receivesNothing = () => {
      meter.counted('orders', 'emptyReceives', 1);
      answered('receive', true);
      flush();
      clock.advance(5_000);
    };
    for (let receive = 0; receive < 25; receive++) receivesNothing();
    const emptyReceives = () => metricsIn(lines).flatMap(({ name, values }) => (name === 'EmptyReceives' ? values : []));
    expect(lines).toHaveLength(2);
    expect(emptyReceives()).toEqual([13, 13, 12, 12]);
    answered('ack', true);
    receivesNothing();
    expect(lines).toHaveLength(4);
    expect(emptyReceives().slice(4)).toEqual([1, 1]);
  });

  it('queues that have no metrics of their own are summed up in the totals, however many they are', () => {
    const { meter, flush, lines } = printing('orders');
    for (let index = 0; index < 50; index++) {
      meter.counted(`q${index}`, 'published', 2);
      meter.counted(`q${index}`, 'deadLettered', 1);
    }
    meter.counted('orders', 'published', 1);
    flush();
    expect(metricsIn(lines)).toEqual([
      { name: 'Published', unit: 'Count', dimensions: {}, values: [100] },
      { name: 'Published', unit: 'Count', dimensions: {}, values: [1] },
      { name: 'Published', unit: 'Count', dimensions: { queue: 'orders' }, values: [1] },
    ]);
  });

  it('of a thousand times, each is printed once, and no line has more values than the format allows', () => {
    const { meter, answered, flush, lines } = printing('orders');
    for (let second = 0; second < 1_000; second++) {
      meter.timed('orders', 'handling', second);
      answered('ack', second % 2 === 0);
    }
    flush();
    const valuesOf = (wanted: string) =>
      metricsIn(lines).flatMap(({ name, dimensions, values }) => (name === wanted && 'queue' in dimensions ? values : []));
    expect(valuesOf('HandlingSeconds')).toEqual(Array.from({ length: 1_000 }, (_, second) => second));
    const answers = metricsIn(lines).flatMap(({ dimensions, values }) => ('operation' in dimensions ? values : []));
    expect(answers.filter((value) => value === 100)).toHaveLength(500);
    expect(answers.filter((value) => value === 0)).toHaveLength(500);
  });

  it('the depth of a queue has a metric for each state in which messages are, and for ready and leased always', () => {
    const { depth, flush, lines } = printing('orders');
    const counts = { ready: 0, delayed: 0, leased: 0, dead: 7, prepared: 0, oldestAgeSeconds: null, atLeast: false };
    depth('orders', counts);
    flush();
    const shown = metricsIn(lines).map(({ name, dimensions, values }) => [name, dimensions, values]);
    const queue = { queue: 'orders' };
    expect(shown).toEqual([
      ['ReadyMessages', queue, [0]],
      ['LeasedMessages', queue, [0]],
      ['DeadMessages', queue, [7]],
      ['OldestAgeSeconds', queue, [0]],
    ]);
  });

  it('publishes to topics have totals, and a topic of its own metrics shows what was published and what is on its way', () => {
    const { meter, answered, undelivered, flush, lines } = printing('orders');
    for (const topic of ['news', 'other']) {
      meter.topicCounted(topic, 'published', 3);
      meter.topicCounted(topic, 'delivered', 5);
    }
    meter.counted('orders', 'published', 1);
    answered('publishToTopic', true);
    undelivered([
      { name: 'news', undelivered: 2, oldestAgeSeconds: 90 },
      { name: 'other', undelivered: 1, oldestAgeSeconds: 30 },
    ]);
    flush();
    expect(lines).toHaveLength(2);
    const shown = metricsIn(lines).map(({ name, dimensions, values }) => [name, dimensions, values]);
    const topic = { topic: 'news' };
    expect(shown.filter(([name]) => String(name).startsWith('Topic'))).toEqual([
      ['TopicPublished', {}, [3]],
      ['TopicPublished', topic, [3]],
      ['TopicDelivered', {}, [5]],
      ['TopicDelivered', topic, [5]],
      ['TopicUndelivered', topic, [2]],
      ['TopicOldestAgeSeconds', topic, [90]],
      ['TopicPublished', {}, [3]],
      ['TopicDelivered', {}, [5]],
    ]);
  });

  it('no two metrics have the same name', () => {
    const names = [...Object.values(queueMetrics), ...Object.values(topicMetrics)].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});
