/** What clients do to the queue, drawn at random: all calls that change a message, in all orders. */

import type { PublishEntry, QueueSettings, ReceivedMessage, Transport } from '../../contract/contract.ts';
import type { Random } from '../../engine/port/port.ts';
import type { CallLog } from './call-log.ts';

/** Short times: a message that was hidden when a process died must come back during the drain. */
const visibilitySecondsMax = 3;
const delaySecondsMax = 3;
const backoff = { minSeconds: 1, maxSeconds: 2, factor: 2, jitter: 0.5 };
/** The time after which everything that a call has hidden is visible again. */
export const hiddenMsMax = (visibilitySecondsMax + delaySecondsMax + backoff.maxSeconds) * 1000;

export interface QueueNames {
  work: string;
  dead: string;
  plain: string;
  purged: string;
}

export function queueNames(round: number): QueueNames {
  return { dead: `dead-${round}`, work: `work-${round}`, plain: `plain-${round}`, purged: `purged-${round}` };
}

/** Listed in the order in which they can be created. */
export function settingsOf(names: QueueNames): [name: string, settings: Partial<QueueSettings>][] {
  return [
    [names.dead, { visibilityTimeoutSeconds: 2, retentionSeconds: null }],
    [names.work, { visibilityTimeoutSeconds: 2, deadLetter: { queue: names.dead, maxReceives: 3 }, backoff }],
    [names.plain, { visibilityTimeoutSeconds: 2, retentionSeconds: null }],
    [names.purged, { visibilityTimeoutSeconds: 2 }],
  ];
}

export interface Client {
  log: CallLog;
  random: Random;
  transports: readonly Transport[];
  queues: QueueNames;
  name: string;
}

const fillings = [0, 0, 0, 0, 50, 1_500, 20_000];
const heldMax = 40;
const usedMax = 20;
/** How many of the latest own ids are published again. */
const ownIdsAgain = 15;

interface Held {
  queue: string;
  message: ReceivedMessage;
}

/** One worker of a client. `step` makes one call after another. */
export function createWorker({ log, random, transports, queues, name }: Client) {
  const held: Held[] = [];
  const used: Held[] = [];
  const ids: { queue: string; id: string }[] = [];
  let bodies = 0;
  const whole = (below: number) => Math.floor(random.number() * below);
  const pick = <T>(values: readonly T[]): T => values[whole(values.length)]!;
  const chance = (share: number) => random.number() < share;
  const anyServer = () => pick(transports);
  const anyQueue = () => pick([queues.work, queues.work, queues.dead, queues.plain, queues.plain, queues.purged]);

  function entry(queue: string): PublishEntry {
    const number = bodies++;
    const message: PublishEntry = { body: { from: name, number, filling: random.chars(pick(fillings)) } };
    if (chance(0.2)) message.delaySeconds = whole(delaySecondsMax + 1);
    if (chance(0.2)) message.attributes = { number, of: name };
    if (queue === queues.plain && chance(0.3)) message.id = `own-${Math.max(0, number - whole(ownIdsAgain))}`;
    return message;
  }

  async function publish(): Promise<void> {
    const queue = pick([queues.work, queues.plain, queues.purged]);
    const messages = Array.from({ length: pick([1, 1, 2, 5, 12, 30]) }, () => entry(queue));
    const output = await log.call(anyServer(), 'publish', { queue }, { messages });
    for (const result of output?.results ?? []) if (result.ok) ids.push({ queue, id: result.id });
  }

  async function receive(): Promise<void> {
    const queue = anyQueue();
    const input = {
      max: pick([1, 2, 10, 30]),
      ...(chance(0.5) ? { visibilityTimeoutSeconds: 1 + whole(visibilitySecondsMax) } : {}),
      ...(chance(0.2) ? { waitSeconds: 1 } : {}),
    };
    const output = await log.call(anyServer(), 'receive', { queue }, input);
    held.push(...(output?.messages ?? []).map((message) => ({ queue, message })));
    // The other receipts are forgotten, as by a client that died.
    held.splice(0, held.length - heldMax);
  }

  /** Receipts of one queue: current ones, and sometimes used ones. */
  async function withReceipts(keep: boolean, use: (queue: string, receipts: string[]) => Promise<unknown>): Promise<void> {
    const first = held[whole(held.length)];
    if (!first) return;
    const those = held.filter(({ queue }) => queue === first.queue && (chance(0.7) || keep));
    if (!keep) {
      for (const one of those) held.splice(held.indexOf(one), 1);
      used.push(...those);
      used.splice(0, used.length - usedMax);
    }
    const again = chance(0.1) ? used.filter(({ queue }) => queue === first.queue).slice(0, 3) : [];
    const receipts = [...new Set([...those, ...again].map(({ message }) => message.receipt))];
    if (receipts.length > 0) await use(first.queue, receipts);
  }

  const ack = () => withReceipts(false, (queue, receipts) => log.call(anyServer(), 'ack', { queue }, { receipts }));
  const release = () =>
    withReceipts(false, (queue, receipts) => {
      const input = {
        receipts,
        ...(chance(0.3) ? { delaySeconds: whole(delaySecondsMax) } : {}),
        ...(chance(0.5) ? { failed: 'it did not work' } : {}),
      };
      return log.call(anyServer(), 'release', { queue }, input);
    });
  const extend = () =>
    withReceipts(true, (queue, receipts) =>
      log.call(anyServer(), 'extend', { queue }, { receipts, visibilityTimeoutSeconds: 1 + whole(visibilitySecondsMax) }),
    );

  async function rare(): Promise<void> {
    const one = ids[whole(ids.length)];
    if (chance(0.5) && one) await log.call(anyServer(), 'getMessage', one, {});
    else if (chance(0.5)) await log.call(anyServer(), 'purge', { queue: queues.purged }, {});
    else await log.call(anyServer(), 'redrive', { queue: queues.dead }, chance(0.5) ? {} : { toQueue: queues.plain });
  }

  return {
    async step(): Promise<void> {
      const at = random.number();
      if (at < 0.25) await publish();
      else if (at < 0.6) await receive();
      else if (at < 0.8) await ack();
      else if (at < 0.92) await release();
      else if (at < 0.98) await extend();
      else await rare();
    },
  };
}
