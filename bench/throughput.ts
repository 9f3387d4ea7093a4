/** Measures messages per second of publish, and of receive with ack, over any transport, and the CPU time of each. */
import { bodyOf } from './bodies.ts';
import { sideBySide } from './timing.ts';

/** A transport: makes the queue's calls in process or over HTTP. */
export interface Carrier {
  publish(queue: string, bodies: unknown[]): Promise<void>;
  receive(queue: string, max: number): Promise<string[]>;
  ack(queue: string, receipts: string[]): Promise<void>;
  createQueue(queue: string): Promise<void>;
}

export interface Load {
  messages: number;
  batch: number;
  flows: number;
}

/** CPU time used so far by each process that takes part, in ms. */
export type ReadCpu = () => Promise<Record<string, number>>;

export interface Throughput {
  messagesPerSecond: number;
  cpuMsPerMessage: Record<string, number>;
}

const bodyBytes = 40;

export async function throughput(
  carrier: Carrier,
  { messages, batch, flows }: Load,
  readCpu: ReadCpu,
): Promise<{ publish: Throughput; receiveAndAck: Throughput }> {
  const queue = `speed-${crypto.randomUUID()}`;
  await carrier.createQueue(queue);
  let toPublish = messages / batch;
  const publish = await timed(messages, readCpu, () =>
    sideBySide(flows, () =>
      toPublish-- > 0
        ? () =>
            carrier.publish(
              queue,
              Array.from({ length: batch }, () => bodyOf(bodyBytes)),
            )
        : undefined,
    ),
  );
  let toReceive = messages;
  const receiveAndAck = await timed(messages, readCpu, () =>
    sideBySide(flows, () =>
      toReceive > 0
        ? async () => {
            const receipts = await carrier.receive(queue, batch);
            toReceive -= receipts.length;
            if (receipts.length > 0) await carrier.ack(queue, receipts);
          }
        : undefined,
    ),
  );
  return { publish, receiveAndAck };
}

async function timed(messages: number, readCpu: ReadCpu, run: () => Promise<void>): Promise<Throughput> {
  const before = await readCpu();
  const startedAt = performance.now();
  await run();
  const seconds = (performance.now() - startedAt) / 1000;
  const after = await readCpu();
  const cpuMsPerMessage = Object.fromEntries(
    Object.entries(after).map(([process, ms]) => [process, (ms - before[process]!) / messages]),
  );
  return { messagesPerSecond: messages / seconds, cpuMsPerMessage };
}
