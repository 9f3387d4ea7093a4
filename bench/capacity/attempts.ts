/** Calls as the AWS client makes them, in virtual time: each attempt takes its time, and one that is throttled is made again. */
import { type Clock, type Random, StoreError } from '../../engine/port/port.ts';
import type { VirtualTime } from '../../engine/simulation/virtual-time.ts';
import type { Throttled } from './partitions.ts';

/** As `engine/dynamo/client.ts` sets it. */
const attemptsMax = 4;
/** The AWS client's mode `standard`, as it is since 2026: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html */
const throttledBackoffMs = 1_000;
const backoffGrowth = 2;
/** Each client has so many tokens; a retry takes some, a call that goes through gives back what its last retry took. */
const tokensMax = 500;
const retryTokens = 5;
const tokensGivenBack = 1;

export const latencyMs = 5;
const latencyJitterMs = 2;

export interface CapacityCounts {
  calls: number;
  /** Attempts that were throttled, by what was at its limit. */
  throttled: Record<Throttled, number>;
  /** Conditional writes that were refused. */
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
  /** Told of each attempt that was throttled because its partition is hot. */
  onHotKey?: () => void;
}

export function createAttempts({ time, random, clock, counts }: AttemptsParts) {
  let tokens = tokensMax;
  const travel = () => time.after((latencyMs + (2 * random.number() - 1) * latencyJitterMs) / 2);

  /** Makes the request until it is not throttled. Rejects with StoreError, `applied: no`, when it is given up. */
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
