/** The load of the soak: numbered messages, published and received in tens, each acked once. */
import { setTimeout as delay } from 'node:timers/promises';
import type { PublishEntry, Transport } from '../../contract/contract.ts';
import { batchEntriesMax } from '../../contract/limits.ts';
import { bodyOf } from '../simulation/plan/bodies.ts';

export const queue = 'soak';
const publishers = 4;
const consumers = 8;
/** Publishers wait while this many messages are in flight. */
const waitingMax = 20_000;
const visibilityTimeoutSeconds = 300;
/** More than fits into a row. */
const offloadedChars = 8_000;
const pauseMs = 20;

export interface SoakLoad {
  published(): number;
  acked(): number;
  /** Publishes up to that many messages in all, and acks at least so many. Then no call is in progress. */
  runUntil(goal: { published: number; acked: number }): Promise<void>;
  /** What is wrong after all messages were acked. */
  failures(): Promise<string[]>;
}

export interface SoakLoadOptions {
  http: Transport;
  messages: number;
  /** How long a receive waits at the server. */
  waitSeconds: number;
}

/** Creates the queue. */
export async function createSoakLoad({ http, messages: total, waitSeconds }: SoakLoadOptions): Promise<SoakLoad> {
  let published = 0;
  let acked = 0;
  /** How often each message was acked, by its number. */
  const acks = new Uint8Array(total);
  await http.call('createQueue', { queue }, { visibilityTimeoutSeconds });

  async function publishUntil(goal: number): Promise<void> {
    while (published < goal) {
      if (published - acked > waitingMax) {
        await delay(pauseMs);
        continue;
      }
      const first = published;
      published = Math.min(goal, first + batchEntriesMax);
      const messages = Array.from({ length: published - first }, (_, index) => entryOf(first + index));
      const { results } = await http.call('publish', { queue }, { messages });
      refuseRefused(results);
    }
  }

  async function consumeUntil(goal: number): Promise<void> {
    while (acked < goal) {
      const { messages } = await http.call('receive', { queue }, { max: batchEntriesMax, waitSeconds });
      // One in two hundred is released first.
      const back = messages.filter(({ body, receives }) => receives === 1 && numberOf(body) % 200 === 3);
      const done = messages.filter((message) => !back.includes(message));
      const receipts = (of: typeof messages) => of.map(({ receipt }) => receipt);
      if (back.length > 0) await http.call('release', { queue }, { receipts: receipts(back), failed: 'soaking' });
      if (messages.length === 0 && waitSeconds === 0) await delay(pauseMs);
      if (done.length === 0) continue;
      const { results } = await http.call('ack', { queue }, { receipts: receipts(done) });
      refuseRefused(results);
      for (const { body } of done) acks[numberOf(body)]!++;
      acked += done.length;
    }
  }

  return {
    published: () => published,
    acked: () => acked,
    async runUntil(goal) {
      await Promise.all([
        ...Array.from({ length: publishers }, () => publishUntil(goal.published)),
        ...Array.from({ length: consumers }, () => consumeUntil(goal.acked)),
      ]);
    },
    async failures() {
      const failures: string[] = [];
      const odd = acks.reduce((count, times) => count + (times === 1 ? 0 : 1), 0);
      if (odd > 0) failures.push(`${odd} messages were not acked exactly once`);
      const { counts } = await http.call('getQueue', { queue }, {});
      if (counts.ready + counts.delayed + counts.leased + counts.dead > 0) failures.push(`left: ${JSON.stringify(counts)}`);
      return failures;
    },
  };
}

/** Of each hundred messages, some are delayed, some have own ids, and some have offloaded bodies. */
function entryOf(number: number): PublishEntry {
  switch (number % 100) {
    case 7:
      return { body: bodyOf(number, 1), delaySeconds: 1 };
    case 13:
      return { body: bodyOf(number, 1), id: `own-${number}` };
    case 21:
      return { body: bodyOf(number, offloadedChars) };
    default:
      return { body: bodyOf(number, 1) };
  }
}

const numberOf = (body: unknown) => (body as { number: number }).number;

function refuseRefused(results: readonly { ok: boolean }[]): void {
  const refused = results.find(({ ok }) => !ok);
  if (refused) throw new Error(JSON.stringify(refused));
}
