/** Measures what groups, priorities, limits, and cancelling or delaying a message by id cost. */
import type { PublishEntry, QueueSettings } from '../contract/contract.ts';
import { bodyOf } from './bodies.ts';
import type { Ground, Instance } from './ground.ts';
import { type Cost, perMessage } from './life.ts';
import type { Step } from './steps.ts';

const bodyBytes = 40;
const tens = 10;

type Entry = (index: number) => Omit<PublishEntry, 'body'>;

interface Plan {
  settings?: Partial<QueueSettings>;
  /** Messages per call. */
  batch: number;
  entry: Entry;
}

/** Measures each step with one receiver, `messages` messages, and bodies of forty bytes. */
export async function costOfRecordSteps(ground: Ground, messages: number): Promise<Step[]> {
  const levels = { priority: { levels: 3, order: 'strict' as const } };
  const life = (plan: Plan) => wholeLife(ground, messages, plan);
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
      name: 'whole life, in one group, ten a call',
      target: { atMost: 4 },
      cost: await life({ batch: tens, entry: () => ({ group: 'one' }) }),
    },
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
    { name: 'cancel a message that waits', target: { atMost: 3 }, cost: await byId(ground, messages, 'cancelMessage', {}) },
    {
      name: 'put off a delayed message',
      target: { atMost: 3 },
      cost: await byId(ground, messages, 'updateMessage', { delaySeconds: 500 }, { delaySeconds: 100 }),
    },
  ];
}

async function queueOf(ground: Ground, settings: Partial<QueueSettings> = {}) {
  const instance = ground.instance();
  const queue = { queue: `bench-${crypto.randomUUID()}` };
  await instance.engine.call('createQueue', queue, settings);
  instance.meter.reset();
  return { instance, queue };
}

async function publishAll({ engine }: Instance, queue: { queue: string }, messages: number, { batch, entry }: Plan) {
  const ids: string[] = [];
  for (let at = 0; at < messages; at += batch) {
    const entries = Array.from({ length: batch }, (_, index) => ({ body: bodyOf(bodyBytes), ...entry(at + index) }));
    const { results } = await engine.call('publish', queue, { messages: entries });
    for (const result of results) {
      if (!result.ok) throw new Error(result.message);
      ids.push(result.id);
    }
  }
  return ids;
}

async function wholeLife(ground: Ground, messages: number, plan: Plan): Promise<Cost> {
  const { instance, queue } = await queueOf(ground, plan.settings);
  const { engine } = instance;
  await publishAll(instance, queue, messages, plan);
  for (let left = messages; left > 0; ) {
    const received = await engine.call('receive', queue, { max: plan.batch });
    const receipts = received.messages.map(({ receipt }) => receipt);
    if (receipts.length > 0) await engine.call('ack', queue, { receipts });
    left -= receipts.length;
  }
  return perMessage([instance], messages);
}

async function byId<Name extends 'cancelMessage' | 'updateMessage'>(
  ground: Ground,
  messages: number,
  operation: Name,
  input: object,
  entry: Omit<PublishEntry, 'body'> = {},
): Promise<Cost> {
  const { instance, queue } = await queueOf(ground);
  const ids = await publishAll(instance, queue, messages, { batch: 1, entry: () => entry });
  instance.meter.reset();
  for (const id of ids) await instance.engine.call(operation, { ...queue, id }, input as never);
  return perMessage([instance], messages);
}
