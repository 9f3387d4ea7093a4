/**
 * A store as one process sees it, with faults between the process and DynamoDB, drawn at random. A call consists of attempts,
 * as with the DynamoDB store's client. An attempt may be throttled, lost on the way there or back, delayed, or duplicated. Each change of
 * the memory store happens at one instant; calls here take time.
 */
import { retryMsMax, signedRequestMsMax } from '../../contract/limits.ts';
import { type Clock, type Random, type Store, StoreError, type Transacted, type Write, type WriteOptions } from '../port/port.ts';
import { isPublish, shardOf } from '../port/row-limits.ts';
import type { VirtualTime } from './virtual-time.ts';

export type Fault =
  /** Throttled: certainly not applied. */
  | 'throttled'
  /** Another transaction has the row: certainly not applied. */
  | 'conflict'
  /** Applied, but the response is lost. */
  | 'lostReply'
  /** The request never arrives, and the caller gets no response. */
  | 'lostRequest'
  /** Applied after the caller has given up. */
  | 'late'
  /** Applied and answered, then applied a second time. */
  | 'duplicated'
  /** One part of a batch is applied, the other is not. */
  | 'halfDone'
  /** An eventually consistent read returns an old state of a row. */
  | 'stale'
  | 'pause'
  | 'kill';

export interface Faults {
  /** The probability of each fault per attempt (`pause` and `kill`: per step of a process; `stale`: per recently changed row). */
  rates: Record<Fault, number>;
  /** How long a late or duplicate request may travel. */
  lateMsMax: number;
  pauseMsMax: number;
  lagMsMax: number;
}

export const noFaults: Faults = {
  rates: {
    throttled: 0,
    conflict: 0,
    lostReply: 0,
    lostRequest: 0,
    late: 0,
    duplicated: 0,
    halfDone: 0,
    stale: 0,
    pause: 0,
    kill: 0,
  },
  lateMsMax: signedRequestMsMax,
  pauseMsMax: 5 * retryMsMax,
  lagMsMax: 10_000,
};

/** Every kind of fault, frequent enough that several coincide. */
export const manyFaults: Faults = {
  ...noFaults,
  rates: {
    throttled: 0.02,
    conflict: 0.02,
    lostReply: 0.03,
    lostRequest: 0.02,
    late: 0.02,
    duplicated: 0.02,
    halfDone: 0.1,
    stale: 0.2,
    pause: 0.01,
    kill: 0.002,
  },
};

export interface SimulatedStoreParts {
  memory: Store;
  time: VirtualTime;
  random: Random;
  /** The process's own clock, which decides whether `WriteOptions.by` has passed. */
  clock: Clock;
  faults: Faults;
  /** Resolves when the process may continue. */
  awake(): Promise<void>;
  /** Whether this fault happens now. */
  draw(fault: Fault): boolean;
}

interface Attempted {
  by?: number | undefined;
  writes: boolean;
  /** Whether another transaction may conflict. */
  transaction?: boolean;
  /** The writes of the call, to report throttled shards. */
  to?: readonly Pick<Write, 'key' | 'then'>[];
}

const attemptsMax = 3;
const travelMsMax = 10;
/** How long a caller waits for a response, ms, before it retries. */
export const answerMsMax = 5_000;
/**
 * How long DynamoDB remembers a transaction's token:
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
 */
const tokenMs = 10 * 60_000;

export function createSimulatedStore({ memory, time, random, clock, faults, awake, draw }: SimulatedStoreParts): Store {
  const listeners: ((shard: string, isPublish?: boolean) => void)[] = [];
  const travel = () => time.after(random.number() * travelMsMax);

  /**
   * Makes attempts until one is answered. `apply` runs each time that the request arrives. Its arguments say whether an earlier
   * arrival may have applied it, and whether it is a duplicate of a request that is answered separately.
   */
  async function attempts<Answer>(
    apply: (maybeApplied: boolean, isCopy?: boolean) => Promise<Answer>,
    { by, writes, transaction = false, to = [] }: Attempted,
  ): Promise<Answer> {
    let maybeApplied = false;
    let reason: StoreError['reason'];
    const failed = (what: string) =>
      new StoreError(`simulated: ${what}`, writes && maybeApplied ? 'unknown' : 'no', undefined, reason);
    await awake();
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      if (by !== undefined && clock.now() > by) {
        reason ??= 'late';
        throw failed('the time in which the write was safe has passed');
      }
      await travel();
      reason = undefined;
      if (draw('throttled')) {
        reason = 'throttled';
        for (const write of to) reportThrottled(write);
        await travel();
      } else if (transaction && draw('conflict')) {
        reason = 'throttled';
        throw failed('another transaction has the row');
      } else if (draw('lostRequest')) {
        maybeApplied = true;
        await time.after(answerMsMax);
      } else if (writes && draw('late')) {
        maybeApplied = true;
        arrivesLater(apply);
        await time.after(answerMsMax);
      } else {
        if (writes && draw('duplicated')) arrivesLater((maybeApplied) => apply(maybeApplied, true));
        const answer = await captureOutcome(() => apply(maybeApplied));
        if (!draw('lostReply')) {
          await travel();
          await awake();
          return answer();
        }
        maybeApplied = true;
        await time.after(answerMsMax);
      }
      await awake();
    }
    throw failed('no attempt was answered');
  }

  function arrivesLater(apply: (maybeApplied: boolean) => Promise<unknown>): void {
    time.at(time.now() + random.number() * faults.lateMsMax, () => {
      // The sender waits no longer: the result, or an error, is discarded.
      void captureOutcome(() => apply(true));
    });
  }

  function reportThrottled(write: Pick<Write, 'key' | 'then'>): void {
    const shard = shardOf(write);
    if (shard !== undefined) for (const listener of listeners) listener(shard, isPublish(write));
  }

  return {
    onThrottled: (listener) => void listeners.push(listener),

    get: (keys) =>
      attempts(
        async () => {
          // DynamoDB reads the rows of a batch one by one, so other writes may happen in between.
          const cut = Math.floor(random.number() * keys.length);
          const first = await memory.get(keys.slice(0, cut));
          if (cut > 0) await travel();
          return [...first, ...(await memory.get(keys.slice(cut)))];
        },
        { writes: false },
      ),

    range: (range) => attempts(() => memory.range(range), { writes: false }),

    write: (write, { by }: WriteOptions = {}) =>
      attempts(
        async (maybeApplied) => {
          const written = await memory.write(write);
          return written.ok || !maybeApplied ? written : { ...written, maybeApplied: true as const };
        },
        { by, writes: true, transaction: true, to: [write] },
      ),

    transact(writes, { by } = {}) {
      let applied: { until: number; answer: Transacted } | undefined;
      async function applyOnce(): Promise<Transacted> {
        if (applied !== undefined && time.now() < applied.until) return applied.answer;
        const answer = await memory.transact(writes);
        if (answer.ok) applied = { until: time.now() + tokenMs, answer };
        return answer;
      }
      return attempts(applyOnce, { by, writes: true, transaction: true, to: writes });
    },

    async writeAll(writes, { by } = {}) {
      // A duplicate applies no more writes than the answer reported. Otherwise "certainly not written" would be false.
      let answered = writes.length;
      try {
        return await attempts(
          async (maybeApplied, isCopy = false) => {
            if (isCopy) return memory.writeAll(writes.slice(0, answered));
            const cut = Math.floor(random.number() * (writes.length + 1));
            const first = await memory.writeAll(writes.slice(0, cut));
            if (writes.length > 1 && draw('halfDone')) {
              answered = cut;
              const undone = new StoreError('simulated: left undone', maybeApplied ? 'unknown' : 'no');
              return [...first, ...writes.slice(cut).map(() => undone)];
            }
            if (cut > 0) await travel();
            return [...first, ...(await memory.writeAll(writes.slice(cut)))];
          },
          { by, writes: true, to: writes },
        );
      } catch (error) {
        if (error instanceof StoreError) return writes.map(() => error);
        throw error;
      }
    },
  };
}

/** Applies the request where it arrives. An error is part of the response, which may be lost too. */
async function captureOutcome<Answer>(apply: () => Promise<Answer>): Promise<() => Answer> {
  try {
    const answer = await apply();
    return () => answer;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
