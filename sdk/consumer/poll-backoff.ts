/** How long a consumer waits between two receives. */
import { DumbwaiterError } from '../../contract/errors.ts';
import { waitSecondsMax } from '../../contract/limits.ts';
import type { Timers } from '../calls/timers.ts';
import type { ConsumerPlan } from './options.ts';

/** The minimum time between the start of an empty receive and the next receive. Doubles with each further empty receive. */
export const idleMsMin = 100;
/** An idle consumer that can be woken listens before pauses longer than this. Before that, it is not worth a call. */
export const listenPauseMsMin = 1_000;
/** The wait after a failed receive that may succeed later. Doubles with each further failure; half of it is random. */
export const retryMsMin = 500;
export const retryMsMax = 30_000;
/** The same after an error that lasts until someone acts: renews a key or creates a queue. */
export const refusedMsMin = 10_000;
export const refusedMsMax = 60_000;

/**
 * Decides when a consumer receives again. After messages: at once. If the server says that waiting is cheap, receives wait there: 1 s
 * after messages, then 2, 4, … up to 20 s with each empty answer. So the end of the work soon shows, and a consumer that has just been
 * busy has no long receive open when it stops. Otherwise the consumer pauses, longer with each empty answer.
 * The option `waitSeconds` is another limit of these waits, also where waiting is not cheap.
 * A consumer that is told of the next message pauses as long as it may: the receive after it only makes up for a lost notice.
 */
export class PollBackoff {
  readonly #waitSeconds: number | undefined;
  readonly #idleMsMax: number;
  readonly #listeningIdleMsMax: number;
  readonly #random: () => number;
  #waitIsCheap = false;
  #isWoken = false;
  #empty = 0;
  #failed = 0;

  constructor(
    options: Pick<ConsumerPlan, 'waitSeconds' | 'maxIdlePollSeconds' | 'maxListeningPollSeconds'> & Pick<Timers, 'random'>,
  ) {
    this.#waitSeconds = options.waitSeconds;
    this.#idleMsMax = options.maxIdlePollSeconds * 1000;
    this.#listeningIdleMsMax = options.maxListeningPollSeconds * 1000;
    this.#random = options.random;
  }

  /** How long the next receive may wait at the server, in seconds. */
  waitSeconds(): number {
    const waits = this.#waitIsCheap && !this.#isWoken;
    return Math.min(this.#waitSeconds ?? (waits ? waitSecondsMax : 0), 2 ** this.#empty);
  }

  /** Whether the server, by its last answer, notices a disconnected caller and releases what it leased for that call. */
  get noticesDisconnect(): boolean {
    return this.#waitIsCheap;
  }

  /** A notice said that there are messages: the pauses begin again at their shortest. */
  woken(): void {
    this.#empty = 0;
  }

  /**
   * Records a receive that returned this many messages. Returns the pause before the next one, in ms. `isWoken`: the consumer wants to be
   * woken, and can be. `isListening`: it is told of the next message.
   */
  answered(messages: number, tookMs: number, { waitIsCheap = false, isWoken = false, isListening = false } = {}): number {
    this.#waitIsCheap = waitIsCheap;
    this.#isWoken = isWoken || (this.#isWoken && messages > 0);
    this.#failed = 0;
    if (messages > 0) {
      this.#empty = 0;
      return 0;
    }
    const intervalMs = isListening ? this.#listeningIdleMsMax : Math.min(this.#idleMsMax, idleMsMin * 2 ** this.#empty);
    this.#empty++;
    return Math.max(0, intervalMs - tookMs);
  }

  /** Records a failed receive. Returns the pause before the next one, in ms. */
  failed(error: unknown): number {
    const later = !(error instanceof DumbwaiterError) || error.retryable;
    const [min, max] = later ? [retryMsMin, retryMsMax] : [refusedMsMin, refusedMsMax];
    const intervalMs = Math.min(max, min * 2 ** this.#failed);
    this.#failed++;
    const askedMs = error instanceof DumbwaiterError ? (error.retryAfterMs ?? 0) : 0;
    return Math.max(askedMs, intervalMs * (0.5 + this.#random() / 2));
  }
}
