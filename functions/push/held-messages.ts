/** The messages that a dispatcher holds: extends their leases until they are settled, and settles them. */
import type { ReceivedMessage } from '../../contract/contract.ts';
import {
  backoffFactorDefault,
  backoffMaxSecondsDefault,
  backoffMinSecondsDefault,
  batchEntriesMax,
  pushLeaseSecondsMax,
  pushLeaseSecondsMin,
} from '../../contract/limits.ts';
import type { Engine } from '../../engine/engine.ts';
import { backoffMs } from '../../engine/model/backoff.ts';
import type { QueueRecord } from '../../engine/model/queue-record.ts';
import type { Clock, Random } from '../../engine/port/port.ts';
import type { Log } from '../service/log.ts';
import type { Outcome } from './delivery.ts';
import { recordBytesMax } from './function-event.ts';

/** Attempts to settle a message that was delivered. If all fail, its lease ends and it is delivered again. */
const attemptsMax = 4;
const retryMs = 250;
/** The backoff of a failure in a queue without one: a message that fails again and again must not keep a target busy. */
const backoffDefault = {
  minSeconds: backoffMinSecondsDefault,
  maxSeconds: backoffMaxSecondsDefault,
  factor: backoffFactorDefault,
  jitter: 0.5,
};

export interface HeldMessages {
  /** Begins to keep these messages, whose leases last `leaseSeconds`. */
  add(messages: readonly ReceivedMessage[]): void;
  /** Acks, releases and gives back, as the outcome says. Never rejects. */
  settle(outcome: Outcome, queue: QueueRecord): Promise<void>;
  /** The size of the messages that are not settled, as events. */
  bytes(): number;
  /** Ends the extensions. */
  stop(): void;
}

export interface HeldParts {
  engine: Engine;
  clock: Clock;
  random: Random;
  log: Log;
  queue: string;
  leaseSeconds: number;
}

/** The lease of a message while it is delivered. */
export function leaseSecondsOf({ visibilityTimeoutSeconds }: QueueRecord): number {
  return Math.min(Math.max(visibilityTimeoutSeconds, pushLeaseSecondsMin), pushLeaseSecondsMax);
}

interface Result {
  ok: boolean;
  code?: string;
}

export function holdMessages({ engine, clock, random, log, queue: name, leaseSeconds }: HeldParts): HeldMessages {
  /** By receipt: the size of the message. */
  const held = new Map<string, number>();
  let bytes = 0;
  const stopping = new AbortController();

  /** Extends all leases when half of the time of the youngest is over: one call for up to a hundred messages. */
  async function extendUntilStopped(): Promise<void> {
    for (;;) {
      await clock.sleep((leaseSeconds * 1000) / 2, stopping.signal).catch(() => undefined);
      if (stopping.signal.aborted) return;
      const receipts = [...held.keys()];
      for (let from = 0; from < receipts.length; from += batchEntriesMax) {
        const some = receipts.slice(from, from + batchEntriesMax).filter((receipt) => held.has(receipt));
        if (some.length > 0) await extend(some).catch((error) => note('extend', error));
      }
    }
  }

  async function extend(receipts: string[]): Promise<void> {
    const input = { receipts, visibilityTimeoutSeconds: leaseSeconds };
    const { results } = await engine.callChecked('extend', { queue: name }, input);
    // A message that is not ours any more is still delivered: its ack will be refused.
    results.forEach((result, index) => {
      if (!result.ok && result.code !== 'unavailable') forget(receipts[index]!);
    });
  }

  function forget(receipt: string): void {
    bytes -= held.get(receipt) ?? 0;
    held.delete(receipt);
  }

  function note(what: string, error: unknown): void {
    log.warn('A call for a target failed', {
      kind: 'push_call_failed',
      queue: name,
      call: what,
      reason: (error as Error).message,
    });
  }

  /** Calls until no receipt has an answer that may change. */
  async function untilAnswered(what: string, receipts: string[], call: (some: string[]) => Promise<{ results: Result[] }>) {
    let left = receipts;
    for (let attempt = 1; left.length > 0 && attempt <= attemptsMax; attempt++) {
      if (attempt > 1) await clock.sleep(retryMs * attempt);
      try {
        const { results } = await call(left);
        left = left.filter((_, index) => !results[index]!.ok && results[index]!.code === 'unavailable');
      } catch (error) {
        if (attempt === attemptsMax) note(what, error);
      }
    }
  }

  async function settle({ done, failed, unhandled }: Outcome, queue: QueueRecord): Promise<void> {
    const params = { queue: name };
    const acked = untilAnswered('ack', receiptsOf(done), (receipts) => engine.callChecked('ack', params, { receipts }));
    const releases = Map.groupBy(failed, ({ message, text, delaySeconds }) =>
      JSON.stringify([text, delaySeconds ?? delayOf(message, queue)]),
    );
    const released = [...releases].map(([terms, some]) => {
      const [text, delaySeconds] = JSON.parse(terms) as [string, number | null];
      const input = { failed: text, ...(delaySeconds === null ? {} : { delaySeconds }) };
      return untilAnswered('release', receiptsOf(some.map(({ message }) => message)), (receipts) =>
        engine.callChecked('release', params, { receipts, ...input }),
      );
    });
    const givenBack = untilAnswered('release', receiptsOf(unhandled), (receipts) => engine.giveBack(name, receipts));
    await Promise.all([acked, ...released, givenBack]);
    for (const { receipt } of [...done, ...failed.map(({ message }) => message), ...unhandled]) forget(receipt);
  }

  /** Null: the queue has a backoff, and the release applies it. */
  function delayOf({ failures }: ReceivedMessage, { backoff }: QueueRecord): number | null {
    return backoff ? null : Math.ceil(backoffMs(backoffDefault, failures + 1, random.number()) / 1000);
  }

  void extendUntilStopped();
  return {
    add(messages) {
      for (const message of messages) {
        const size = recordBytesMax(message);
        held.set(message.receipt, size);
        bytes += size;
      }
    },
    settle,
    bytes: () => bytes,
    stop: () => stopping.abort(),
  };
}

function receiptsOf(messages: readonly ReceivedMessage[]): string[] {
  return messages.map(({ receipt }) => receipt);
}
