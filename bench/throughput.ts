/** Measures messages per second of publish, and of receive with ack, over any transport, and the CPU time of each. */
import { bodyOf } from './bodies.ts';
import { runConcurrently } from './timing.ts';

/** A transport: makes the queue's calls in process or over HTTP. */
export interface Transport {
  publish(queue: string, bodies: unknown[]): Promise<void>;
  receive(queue: string, max: number): Promise<string[]>;
  ack(queue: string, receipts: string[]): Promise<void>;
  createQueue(queue: string): Promise<void>;
}

export interface Load {
  messages: number;
  batch: number;
  concurrency: number;
}

/** CPU time used so far by each process that takes part, in ms. */
export type ReadCpu = () => Promise<Record<string, number>>;

export interface Throughput {
  messagesPerSecond: number;
  cpuMsPerMessage: Record<string, number>;
}

const bodyBytes = 40;

export async function throughput(
  transport: Transport,
  { messages, batch, concurrency }: Load,
  readCpu: ReadCpu,
): Promise<{ publish: Throughput; receiveAndAck: Throughput }> {
  const queue = `speed-${crypto.randomUUID()}`;
  await transport.createQueue(queue);
  // Made before the time counts: a random body takes a few microseconds.
  const bodies = Array.from({ length: messages / batch }, () => Array.from({ length: batch }, () => bodyOf(bodyBytes))).values();
  const publish = await timed(messages, readCpu, () =>
    runConcurrently(concurrency, () => {
      const { value } = bodies.next();
      return value && (() => transport.publish(queue, value));
    }),
  );
  let toReceive = messages;
  const receiveAndAck = await timed(messages, readCpu, () =>
    runConcurrently(concurrency, () =>
      toReceive > 0
        ? async () => {
            const receipts = await transport.receive(queue, batch);
            toReceive -= receipts.length;
            if (receipts.length > 0) await transport.ack(queue, receipts);
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
