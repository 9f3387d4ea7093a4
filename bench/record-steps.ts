/** Measures what groups, priorities, limits, and cancelling or delaying a message by id cost. */
import type { PublishEntry, QueueSettings } from '../contract/contract.ts';
import { type Cost, createQueue, perMessage, publishEach, receiveAndAck, receiveEach } from './message-cost.ts';
import type { Step } from './steps.ts';
import type { TestBed } from './test-bed.ts';

const tens = 10;

type Entry = (index: number) => Omit<PublishEntry, 'body'>;

interface Plan {
  settings?: Partial<QueueSettings>;
  /** Messages per call. */
  batch: number;
  /** Messages per receive and per ack, if not as many. */
  receiveBatch?: number;
  entry: Entry;
}

/** Measures each step with one receiver, `messages` messages, and bodies of forty bytes. */
export async function costOfRecordSteps(testBed: TestBed, messages: number): Promise<Step[]> {
  const levels = { priority: { levels: 3, order: 'strict' as const } };
  const life = (plan: Plan) => wholeLife(testBed, messages, plan);
  return [
    ...(await costOfGroupSteps(testBed, messages)),
    {
      name: 'whole life, one of three levels of priority',
      target: { atMost: 6 },
      cost: await life({ settings: levels, batch: 1, entry: (index) => ({ priority: index % 3 }) }),
    },
    {
      name: 'whole life, of limited concurrency',
      target: { atMost: 8 },
      cost: await life({ settings: { limits: { concurrency: 10, ratePerSecond: null } }, batch: 1, entry: () => ({}) }),
    },
    {
      name: 'the same, ten together',
      target: { atMost: 0.8 },
      cost: await life({ settings: { limits: { concurrency: 10, ratePerSecond: null } }, batch: tens, entry: () => ({}) }),
    },
    {
      name: 'whole life, of a limited rate',
      target: { atMost: 7 },
      cost: await life({ settings: { limits: { concurrency: null, ratePerSecond: 10_000 } }, batch: 1, entry: () => ({}) }),
    },
    { name: 'cancel a message that waits', target: { atMost: 3 }, cost: await byId(testBed, messages, 'cancelMessage', {}) },
    { name: 'release a leased message by its id', target: { atMost: 3 }, cost: await releaseById(testBed, messages) },
    {
      name: 'put off a delayed message',
      target: { atMost: 3 },
      cost: await byId(testBed, messages, 'updateMessage', { delaySeconds: 500 }, { delaySeconds: 100 }),
    },
  ];
}

/** Measures messages of groups: apart, in one group, received together, and published together as well; and dead letters of groups. */
export async function costOfGroupSteps(testBed: TestBed, messages: number): Promise<Step[]> {
  const life = (plan: Plan) => wholeLife(testBed, messages, plan);
  return [
    {
      name: 'whole life, each in a group of its own',
      target: { atMost: 12 },
      cost: await life({ batch: 1, entry: (index) => ({ group: `group-${index}` }) }),
    },
    {
      name: 'whole life, one after another in one group',
      target: { atMost: 12 },
      cost: await life({ batch: 1, entry: () => ({ group: 'one' }) }),
    },
    {
      name: 'the same, ten received together',
      target: { atMost: 6 },
      cost: await life({ batch: 1, receiveBatch: tens, entry: () => ({ group: 'one' }) }),
    },
    {
      name: 'whole life, in one group, ten a call',
      target: { atMost: 4 },
      cost: await life({ batch: tens, entry: () => ({ group: 'one' }) }),
    },
    ...(await costOfDeaths(testBed, messages)),
  ];
}

/** Measures dead letters that stay in their groups: their death, and their life in the dead-letter queue. */
async function costOfDeaths(testBed: TestBed, messages: number): Promise<Step[]> {
  const groups = { concurrency: 1, onFailure: 'block', ratePerSecond: null, deadLetters: 'ordered' } as const;
  const dead = await createQueue(testBed, { groups });
  const user = await createQueue(testBed, { deadLetter: { queue: dead.queue.queue, maxReceives: 5 } });
  await publishEach(user, messages, (index) => ({ group: `group-${index}` }));
  const receipts = await receiveEach(user, messages);
  user.instance.meter.reset();
  for (const receipt of receipts) {
    await user.instance.engine.call('release', user.queue, { receipts: [receipt], deadLetter: true });
  }
  const death = perMessage([user.instance], messages);
  await receiveAndAck(dead, messages);
  return [
    { name: 'die in a group, and stay in it as a dead letter', target: { atMost: 11 }, cost: death },
    { name: 'receive and ack such a dead letter', target: { atMost: 9 }, cost: perMessage([dead.instance], messages) },
  ];
}

async function wholeLife(testBed: TestBed, messages: number, { settings, batch, receiveBatch, entry }: Plan): Promise<Cost> {
  const user = await createQueue(testBed, settings);
  await publishEach(user, messages, entry, batch);
  await receiveAndAck(user, messages, receiveBatch ?? batch);
  return perMessage([user.instance], messages);
}

async function releaseById(testBed: TestBed, messages: number): Promise<Cost> {
  const { instance, queue } = await createQueue(testBed);
  const ids = await publishEach({ instance, queue }, messages);
  for (const _ of ids) await instance.engine.call('receive', queue, {});
  instance.meter.reset();
  for (const id of ids) await instance.engine.call('releaseMessage', { ...queue, id }, {});
  return perMessage([instance], messages);
}

async function byId(
  testBed: TestBed,
  messages: number,
  operation: 'cancelMessage' | 'updateMessage',
  input: object,
  entry: Omit<PublishEntry, 'body'> = {},
): Promise<Cost> {
  const user = await createQueue(testBed);
  const { instance, queue } = user;
  const ids = await publishEach(user, messages, () => entry);
  instance.meter.reset();
  for (const id of ids) await instance.engine.call(operation, { ...queue, id }, input as never);
  return perMessage([instance], messages);
}
