/** Models the calls of the AWS client in virtual time: each attempt has a latency, and a throttled attempt is retried. */
import { type Clock, type Random, StoreError } from '../../engine/port/port.ts';
import type { VirtualTime } from '../../engine/simulation/virtual-time.ts';
import type { Throttled } from './partitions.ts';

/** Must equal the setting in `engine/dynamo/client.ts`. */
const attemptsMax = 4;
/** The AWS client's retry mode `standard`, as of 2026: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html */
const throttledBackoffMs = 1_000;
const backoffGrowth = 2;
/** Retry tokens of each client. A retry takes some; a successful call gives back what its last retry took, or one if it had none. */
const tokensMax = 500;
const retryTokens = 5;
const tokensGivenBack = 1;

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
  let tokens = tokensMax;
  const travel = () => time.after((latencyMs + (2 * random.number() - 1) * latencyJitterMs) / 2);

  /** Retries the request while it is throttled. Rejects with StoreError, `applied: no`, when the attempts or the time are used up. */
  return async function attempt<Answer>(
    request: () => Promise<Answered<Answer>>,
    { by, onHotKey }: AttemptOptions = {},
  ): Promise<Answer> {
    let taken = tokensGivenBack;
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
        tokens = Math.min(tokensMax, tokens + taken);
        return answered.answer;
      }
      counts.throttled[answered.throttled]++;
      if (answered.throttled === 'key') onHotKey?.();
      if (made === attemptsMax || tokens < retryTokens)
        throw new StoreError(`throttled (${answered.throttled})`, 'no', undefined, 'throttled');
      tokens -= retryTokens;
      taken = retryTokens;
      await time.after(random.number() * throttledBackoffMs * backoffGrowth ** (made - 1));
    }
  };
}
