import { batchEntriesMax, visibilityTimeoutSecondsMax, waitSecondsMax } from './limits.ts';

export interface ConsumerOptions {
  /** Handlers at work at the same time, 1 or more. Default 10. */
  concurrency?: number;
  /** Messages per receive, 1 to 100; never more than there are free handlers. Default: `concurrency`, 100 at most. */
  batch?: number;
  /** The lease of each message, renewed at half time while its handler runs; 1 s to 365 days. Default: the queue's at the start, or 30 s where that is 0. */
  visibilityTimeoutSeconds?: number;
  /** The longest that a receive waits at the server, 0 to 20 s. Default 20. */
  waitSeconds?: number;
  /** Without long polls (`waitSeconds: 0`): the longest pause between two receives, in ms. Default 5,000. */
  idleMsMax?: number;
  /** How long acks and free handlers wait for others to share a call, in ms. Default 20. Nothing waits once no handler is at work. */
  lingerMs?: number;
  /**
   * The handler returns writes, as entries of TransactWriteItems for the low-level client, and they are committed in one transaction with
   * the ack of its message: both happen, or neither. Up to 99 entries and 4 MB. Needs the transport of `dumbwaiter/direct`. Default false.
   */
  transaction?: boolean;
  /** What the handler returns, any JSON value, is the message's result: the reply to `queue.call`. The queue must keep results. Default false. */
  reply?: boolean;
  /** Aborting it is `stop({ deadlineMs: 0 })`. */
  signal?: AbortSignal;
}

export const concurrencyDefault = 10;
export const idleMsMaxDefault = 5_000;
export const consumerLingerMsDefault = 20;

export interface ConsumerPlan {
  concurrency: number;
  batch: number;
  visibilityTimeoutSeconds: number | undefined;
  waitSeconds: number;
  idleMsMax: number;
  lingerMs: number;
}

/** The options with their defaults; throws RangeError for one that cannot be. */
export function planOf(options: ConsumerOptions): ConsumerPlan {
  const { concurrency = concurrencyDefault, waitSeconds = waitSecondsMax, visibilityTimeoutSeconds } = options;
  const { idleMsMax = idleMsMaxDefault, lingerMs = consumerLingerMsDefault } = options;
  whole('concurrency', concurrency, 1, Number.MAX_SAFE_INTEGER);
  const batch = Math.min(options.batch ?? batchEntriesMax, concurrency);
  whole('batch', options.batch ?? batch, 1, batchEntriesMax);
  whole('waitSeconds', waitSeconds, 0, waitSecondsMax);
  whole('idleMsMax', idleMsMax, 0, Number.MAX_SAFE_INTEGER);
  whole('lingerMs', lingerMs, 0, Number.MAX_SAFE_INTEGER);
  if (visibilityTimeoutSeconds !== undefined)
    whole('visibilityTimeoutSeconds', visibilityTimeoutSeconds, 1, visibilityTimeoutSecondsMax);
  return { concurrency, batch: Math.min(batch, batchEntriesMax), visibilityTimeoutSeconds, waitSeconds, idleMsMax, lingerMs };
}

function whole(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max)
    throw new RangeError(`${name} is ${value}, and must be a whole number from ${min} to ${max}`);
}
