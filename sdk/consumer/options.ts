/** The options of a consumer, their defaults and their limits. */
import { batchEntriesMax, visibilityTimeoutSecondsMax, waitSecondsMax } from '../../contract/limits.ts';
import { checkNames, type Names } from '../../contract/names.ts';

export interface ConsumerOptions {
  /**
   * How many handlers may run at the same time, 1 or more. Default 10. Messages of one group that a receive returned together are handled
   * one after the other.
   */
  concurrency?: number;
  /** Messages per receive, 1 to 100, but never more than there are free handlers. Default: `concurrency`, at most 100. */
  batch?: number;
  /**
   * The lease of each message in seconds, extended at half time while its handler runs; 1 s to 365 days. Default: the queue's
   * when the consumer starts, or 30 s if that is 0.
   */
  visibilityTimeoutSeconds?: number;
  /**
   * How long a receive waits at the server at most, 0 to 20 s. Default: 20 if the server says that waiting is cheap (a local
   * server, the direct transport), otherwise 0. On AWS a waiting receive keeps a Lambda function running, which is billed.
   */
  waitSeconds?: number;
  /**
   * The longest pause between two receives that do not wait, 0.1 to 3,600 s. The pause starts at 0.1 s and doubles with each
   * empty answer. Default 5, or 120 while the consumer waits to be woken.
   */
  maxIdlePollSeconds?: number;
  /**
   * Whether an idle consumer waits on a WebSocket to be told that the queue has messages, where the server offers it (`wakeUrl` in the
   * answer to a receive; over HTTP only). Then it receives at once, and otherwise polls rarely. A notice that gets lost delays a message by
   * one pause. Needs a host with `WebSocket`: browsers, workers, Node 22. Default false.
   */
  wake?: boolean;
  /**
   * How long acks and free handlers wait for others to share a call, in ms. Default 20. They do not wait when no handler is
   * running.
   */
  lingerMs?: number;
  /**
   * The handler returns writes, as entries of TransactWriteItems for the low-level client. They are committed in one
   * transaction with the ack of its message: both happen, or neither. At most 99 entries and 4 MB. Needs the transport of
   * `dumbwaiter-queue/direct`. Default false.
   */
  transaction?: boolean;
  /**
   * What the handler returns, any JSON value, becomes the message's result: the reply to `queue.call`. The queue must keep
   * results. Default false.
   */
  reply?: boolean;
  /** Aborting it has the effect of `stop({ deadlineMs: 0 })`. */
  signal?: AbortSignal;
}

const consumerNames: Names<ConsumerOptions> = {
  concurrency: true,
  batch: true,
  visibilityTimeoutSeconds: true,
  waitSeconds: true,
  maxIdlePollSeconds: true,
  wake: true,
  lingerMs: true,
  transaction: true,
  reply: true,
  signal: true,
};

export const concurrencyDefault = 10;
export const maxIdlePollSecondsDefault = 5;
/** For a consumer that is told of messages. */
export const maxListeningPollSecondsDefault = 120;
export const maxIdlePollSecondsMin = 0.1;
export const maxIdlePollSecondsMax = 3600;
export const consumerLingerMsDefault = 20;

export interface ConsumerPlan {
  concurrency: number;
  batch: number;
  visibilityTimeoutSeconds: number | undefined;
  /** Undefined: as the server suggests. */
  waitSeconds: number | undefined;
  maxIdlePollSeconds: number;
  /** The same while the consumer is told of messages. */
  maxListeningPollSeconds: number;
  lingerMs: number;
}

/** Fills in defaults. Throws RangeError for a value out of range, TypeError for an unknown option. */
export function planOf(options: ConsumerOptions): ConsumerPlan {
  checkNames('consume', options, consumerNames);
  if (options.wake && globalThis.WebSocket === undefined) {
    throw new TypeError('wake: this host has no WebSocket; Node has it from version 22 on');
  }
  const { concurrency = concurrencyDefault, waitSeconds, visibilityTimeoutSeconds } = options;
  const { maxIdlePollSeconds = maxIdlePollSecondsDefault, lingerMs = consumerLingerMsDefault } = options;
  const maxListeningPollSeconds = options.maxIdlePollSeconds ?? maxListeningPollSecondsDefault;
  whole('concurrency', concurrency, 1, Number.MAX_SAFE_INTEGER);
  const batch = Math.min(options.batch ?? batchEntriesMax, concurrency);
  whole('batch', options.batch ?? batch, 1, batchEntriesMax);
  if (waitSeconds !== undefined) whole('waitSeconds', waitSeconds, 0, waitSecondsMax);
  between('maxIdlePollSeconds', maxIdlePollSeconds, maxIdlePollSecondsMin, maxIdlePollSecondsMax);
  whole('lingerMs', lingerMs, 0, Number.MAX_SAFE_INTEGER);
  if (visibilityTimeoutSeconds !== undefined)
    whole('visibilityTimeoutSeconds', visibilityTimeoutSeconds, 1, visibilityTimeoutSecondsMax);
  return {
    concurrency,
    batch: Math.min(batch, batchEntriesMax),
    visibilityTimeoutSeconds,
    waitSeconds,
    maxIdlePollSeconds,
    maxListeningPollSeconds,
    lingerMs,
  };
}

function whole(name: string, value: number, min: number, max: number): void {
  between(name, value, min, max, 'a whole number', Number.isInteger(value));
}

function between(name: string, value: number, min: number, max: number, kind = 'a number', isOfKind = true): void {
  if (!isOfKind || !(value >= min && value <= max))
    throw new RangeError(`${name} is ${value}, and must be ${kind} from ${min} to ${max}`);
}
