/** Measures the life of messages: published, then received and acked by several concurrent receivers. */

import { bodyOf } from './bodies.ts';
import type { Ground, Instance } from './ground.ts';
import type { Metered } from './meter.ts';

export interface LifePlan {
  messages: number;
  bodyBytes: number;
  /** Messages per publish. */
  publishBatch: number;
  /** Messages that one receive requests; also the maximum of receipts per ack. */
  receiveBatch: number;
  receivers: number;
}

export interface Cost {
  writeUnits: number;
  readUnits: number;
  calls: number;
  /** Writes whose condition failed. */
  refused: number;
}

/** Average cost of publish, receive and ack of one message. */
export async function costOfLife(ground: Ground, plan: LifePlan): Promise<Cost> {
  const queue = { queue: `bench-${crypto.randomUUID()}` };
  const publisher = ground.instance();
  await publisher.engine.call('createQueue', queue, {});
  publisher.meter.reset();
  await publish(publisher, queue, plan);

  const receivers = Array.from({ length: plan.receivers }, () => ground.instance());
  let left = plan.messages;
  await Promise.all(
    receivers.map(async ({ engine }) => {
      while (left > 0) {
        const { messages } = await engine.call('receive', queue, { max: plan.receiveBatch });
        left -= messages.length;
        if (messages.length === 0) continue;
        const { results } = await engine.call('ack', queue, { receipts: messages.map(({ receipt }) => receipt) });
        if (results.some(({ ok }) => !ok)) throw new Error('a message that was just received could not be acked');
      }
    }),
  );
  if (left < 0) throw new Error(`${-left} messages were received more than once`);
  return perMessage([publisher, ...receivers], plan.messages);
}

/** Publishes with a few concurrent calls. Concurrency does not distort the result, because calls are counted, not timed. */
export async function publish(
  { engine }: Instance,
  queue: { queue: string },
  { messages, bodyBytes, publishBatch }: Pick<LifePlan, 'messages' | 'bodyBytes' | 'publishBatch'>,
): Promise<void> {
  let left = messages;
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      while (left > 0) {
        const count = Math.min(publishBatch, left);
        left -= count;
        const entries = Array.from({ length: count }, () => ({ body: bodyOf(bodyBytes) }));
        const { results } = await engine.call('publish', queue, { messages: entries });
        if (results.some(({ ok }) => !ok)) throw new Error('a message could not be published');
      }
    }),
  );
}

export function perMessage(instances: readonly Instance[], messages: number): Cost {
  const counted = instances.map(({ meter }) => meter.counted);
  const each = (of: keyof Metered) => counted.reduce((sum, one) => sum + one[of], 0) / messages;
  return { writeUnits: each('writeUnits'), readUnits: each('readUnits'), calls: each('calls'), refused: each('refused') };
}
