/**
 * When and how often a client retries: the retry mode `standard` of the AWS SDKs, as of 2026, with its values for DynamoDB. The
 * budget ends retries of a client whose calls keep failing.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
 */
const tokensMax = 500;
const costs = { transient: 14, throttled: 5 };
/** The wait before retry n is a random part of this, times 2^n. */
const waitMs = { transient: 25, throttled: 1_000 };
const waitMsMax = 20_000;
/** What a call without a retry gives back. */
const successTokens = 1;

export interface RetryBudget {
  /** The wait before the next retry of a call that has been retried `retries` times. Undefined if the budget is used up. */
  take(kind: 'transient' | 'throttled', retries: number): number | undefined;
  /** Gives back what the last retry of a successful call took. */
  succeed(lastRetry: 'transient' | 'throttled' | undefined): void;
}

export function createRetryBudget(random: () => number = Math.random): RetryBudget {
  let tokens = tokensMax;
  return {
    take(kind, retries) {
      if (tokens < costs[kind]) return undefined;
      tokens -= costs[kind];
      return random() * Math.min(waitMs[kind] * 2 ** retries, waitMsMax);
    },
    succeed(lastRetry) {
      tokens = Math.min(tokensMax, tokens + (lastRetry === undefined ? successTokens : costs[lastRetry]));
    },
  };
}
