/** Measures what topics cost: a publish to one, several and many subscriptions, and a subscription that comes and goes. */
import { createCorrectedClock } from '../engine/dynamo/corrected-clock.ts';
import { bodyOf } from './bodies.ts';
import { type Cost, perMessage, stepBodyBytes } from './message-cost.ts';
import type { Step } from './steps.ts';
import type { Instance, TestBed } from './test-bed.ts';

const tens = 10;

/** Subscriptions of the topic, messages of a call, and write units of each message at most. */
const publishes = [
  { subscriptions: 1, batch: 1, target: 1 },
  { subscriptions: 1, batch: tens, target: 0.1 },
  { subscriptions: 3, batch: 1, target: 6 },
  { subscriptions: 3, batch: tens, target: 0.6 },
  { subscriptions: 100, batch: 1, target: 200 },
  { subscriptions: 100, batch: tens, target: 20 },
  // Two transactions, with the row of the publication in each, and the name under which it began.
  { subscriptions: 150, batch: 1, target: 306 },
];

/** A publish to many subscriptions is a lot of rows: fewer of them do. */
const rowsMost = 2_000;
/** Subscriptions of which the cost is measured. */
const subscriptionsMeasured = 10;

export async function costOfTopicSteps(testBed: TestBed, messages: number): Promise<Step[]> {
  const steps: Step[] = [];
  for (const { subscriptions, batch, target } of publishes) {
    const name = `publish to ${subscriptions === 1 ? 'a subscription' : `${subscriptions} subscriptions`}${batch === 1 ? '' : ', ten a call'}`;
    const count = Math.max(batch, Math.min(messages, Math.floor(rowsMost / subscriptions / batch) * batch));
    steps.push({ name, target: { atMost: target }, cost: await costOfPublish(testBed, subscriptions, batch, count) });
  }
  const { subscribe, unsubscribe } = await costOfSubscribe(testBed);
  steps.push({ name: 'subscribe', target: { atMost: 6 }, cost: subscribe });
  steps.push({ name: 'unsubscribe', target: { atMost: 8 }, cost: unsubscribe });
  return steps;
}

/** An instance whose calls do not wait: a subscribe is answered two seconds after its write. */
function impatient(testBed: TestBed): Instance {
  return testBed.instance({ clock: { ...createCorrectedClock(), sleep: async () => {} } });
}

async function createTopic(testBed: TestBed, subscriptions: number): Promise<{ topic: string }> {
  const { engine } = impatient(testBed);
  const topic = { topic: `bench-${crypto.randomUUID()}` };
  await engine.call('createTopic', topic, {});
  for (let index = 0; index < subscriptions; index++) await engine.call('subscribe', { ...topic, subscription: `s${index}` }, {});
  return topic;
}

async function costOfPublish(testBed: TestBed, subscriptions: number, batch: number, messages: number): Promise<Cost> {
  const topic = await createTopic(testBed, subscriptions);
  const instance = testBed.instance();
  const publish = async () => {
    const entries = Array.from({ length: batch }, () => ({ body: bodyOf(stepBodyBytes) }));
    const { results } = await instance.engine.call('publishToTopic', topic, { messages: entries });
    for (const result of results) {
      if (!result.ok) throw new Error(result.message);
      if (result.subscriptions !== subscriptions) throw new Error(`${result.subscriptions} subscriptions got the message`);
    }
  };
  // The first publish reads the topic, and the settings of the queues.
  await publish();
  instance.meter.reset();
  for (let left = messages; left > 0; left -= batch) await publish();
  const cost = perMessage([instance], messages);
  await impatient(testBed).engine.call('deleteTopic', topic, { force: true });
  return cost;
}

async function costOfSubscribe(testBed: TestBed): Promise<{ subscribe: Cost; unsubscribe: Cost }> {
  const topic = await createTopic(testBed, 0);
  const instance = impatient(testBed);
  const names = Array.from({ length: subscriptionsMeasured }, (_, index) => ({ ...topic, subscription: `s${index}` }));
  instance.meter.reset();
  for (const name of names) await instance.engine.call('subscribe', name, {});
  const subscribe = perMessage([instance], names.length);
  instance.meter.reset();
  for (const name of names) await instance.engine.call('unsubscribe', name, {});
  return { subscribe, unsubscribe: perMessage([instance], names.length) };
}
