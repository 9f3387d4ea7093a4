/** Publishes and receives as fast as a number of flows can, for `bench`. */
import { withValues } from '../contract/json-values.ts';
import type { Progress } from './progress.ts';
import type { Session } from './session.ts';

export interface LoadOptions {
  /** How many publish, and how many receive. */
  flows: number;
  /** Messages of one call. */
  batch: number;
  /** The size of each body, about. */
  bytes: number;
  /** The load ends after this time, or after this number of messages. */
  seconds: number;
  messages: number;
}

/** Times in milliseconds. */
export interface Latencies {
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

export interface LoadReport {
  published: number;
  received: number;
  publishedPerSecond: number;
  receivedPerSecond: number;
  /** `deliveryMs`: from publish to receive; the others: of one call. `null`: there was none. */
  publishMs: Latencies | null;
  deliveryMs: Latencies | null;
  receiveMs: Latencies | null;
  ackMs: Latencies | null;
}

/** How long receivers wait for the remaining messages after the last publish. */
const restMsMax = 30_000;
const waitSeconds = 1;

/** `isStopped`: ends the load early. Throws DumbwaiterError. */
export async function load(
  { call }: Session,
  queue: string,
  { flows, batch, bytes, seconds, messages }: LoadOptions,
  progress: Progress,
  isStopped: () => boolean,
): Promise<LoadReport> {
  const times = { publish: [] as number[], delivery: [] as number[], receive: [] as number[], ack: [] as number[] };
  const startedAt = Date.now();
  let [begun, published, received] = [0, 0, 0];
  let publishedAt = startedAt;
  let receivedAt = startedAt;
  let publishers = flows;
  let hasFailed = false;

  async function timed<Output>(into: number[], run: () => Promise<Output>): Promise<Output> {
    const at = performance.now();
    const output = await run();
    into.push(performance.now() - at);
    return output;
  }
  const filler = 'x'.repeat(Math.max(0, bytes - '{"at":1700000000000,"filler":""}'.length));

  async function publish(): Promise<void> {
    while (!isStopped() && !hasFailed && begun < messages && Date.now() - startedAt < seconds * 1000) {
      const count = Math.min(batch, messages - begun);
      begun += count;
      const entries = Array.from({ length: count }, () => ({ body: { at: Date.now(), filler } as never }));
      const { results } = await timed(times.publish, () => call('publish', { queue }, { messages: entries }));
      published += results.filter(({ ok }) => ok).length;
      publishedAt = Date.now();
    }
    publishers--;
  }

  async function receive(): Promise<void> {
    const isOver = () => publishers === 0 && (received >= published || Date.now() - publishedAt > restMsMax || isStopped());
    while (!hasFailed && !isOver()) {
      const asked = { max: Math.min(batch, receiveMax), waitSeconds };
      const answer = await timed(times.receive, () => call('receive', { queue }, asked));
      // A wait for messages says nothing about the speed.
      if (answer.messages.length === 0) {
        times.receive.pop();
        continue;
      }
      const now = Date.now();
      for (const { body } of answer.messages) {
        const at = (withValues(body) as { at?: unknown } | null)?.at;
        if (typeof at === 'number') times.delivery.push(Math.max(0, now - at));
      }
      const receipts = answer.messages.map(({ receipt }) => receipt);
      await timed(times.ack, () => call('ack', { queue }, { receipts }));
      received += answer.messages.length;
      receivedAt = Date.now();
      progress.add(answer.messages.length);
    }
  }

  const all = Array.from({ length: flows }, () => [publish(), receive()]).flat();
  const ended = await Promise.allSettled(
    all.map((flow) =>
      flow.catch((error: unknown) => {
        hasFailed = true;
        throw error;
      }),
    ),
  );
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
  return {
    published,
    received,
    publishedPerSecond: perSecond(published, publishedAt - startedAt),
    receivedPerSecond: perSecond(received, receivedAt - startedAt),
    publishMs: latenciesOf(times.publish),
    deliveryMs: latenciesOf(times.delivery),
    receiveMs: latenciesOf(times.receive),
    ackMs: latenciesOf(times.ack),
  };
}

const receiveMax = 10;

const perSecond = (count: number, ms: number) => Math.round((count * 1000) / Math.max(1, ms));

export function latenciesOf(times: readonly number[]): Latencies | null {
  if (times.length === 0) return null;
  const sorted = [...times].sort((one, other) => one - other);
  const at = (share: number) => Math.round(10 * sorted[Math.ceil(sorted.length * share) - 1]!) / 10;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}
