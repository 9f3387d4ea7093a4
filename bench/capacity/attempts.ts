/** Models the calls of the store's client in virtual time: each attempt has a latency, and a throttled attempt is retried. */
import { attemptsMax } from '../../engine/dynamo/client.ts';
import { createRetryBudget } from '../../engine/dynamo/retry-budget.ts';
import { type Clock, type Random, StoreError } from '../../engine/port/port.ts';
import type { VirtualTime } from '../../engine/simulation/virtual-time.ts';
import type { Throttled } from './partitions.ts';

export const latencyMs = 5;
const latencyJitterMs = 2;

export interface CapacityCounts {
  calls: number;
  /** Throttled attempts, by what had reached its limit. */
  throttled: Record<Throttled, number>;
  /** Writes whose condition failed. */
  refused: number;
  writeUnits: number;
  readUnits: number;
}

export interface AttemptsParts {
  time: VirtualTime;
  random: Random;
  clock: Clock;
  counts: CapacityCounts;
}

export type Answered<Answer> = { answer: Answer } | { throttled: Throttled };

export interface AttemptOptions {
  by?: number | undefined;
  /** Called for each attempt that was throttled because of a hot partition. */
  onHotKey?: () => void;
}

export function createAttempts({ time, random, clock, counts }: AttemptsParts) {
  const budget = createRetryBudget(() => random.number());
  const travel = () => time.after((latencyMs + (2 * random.number() - 1) * latencyJitterMs) / 2);

  /** Retries the request while it is throttled. Rejects with StoreError, `applied: no`, when the attempts or the time are used up. */
  return async function attempt<Answer>(
    request: () => Promise<Answered<Answer>>,
    { by, onHotKey }: AttemptOptions = {},
  ): Promise<Answer> {
    let lastRetry: 'throttled' | undefined;
    for (let made = 1; ; made++) {
      if (by !== undefined && clock.now() > by)
        throw new StoreError(
          'the time in which the write was safe has passed',
          'no',
          undefined,
          made > 1 ? 'throttled' : undefined,
        );
      counts.calls++;
      await travel();
      const answered = await request();
      await travel();
      if ('answer' in answered) {
        budget.succeed(lastRetry);
        return answered.answer;
      }
      counts.throttled[answered.throttled]++;
      if (answered.throttled === 'key') onHotKey?.();
      const wait = made < attemptsMax ? budget.take('throttled', made - 1) : undefined;
      if (wait === undefined) throw new StoreError(`throttled (${answered.throttled})`, 'no', undefined, 'throttled');
      lastRetry = 'throttled';
      await time.after(wait);
    }
  };
}
