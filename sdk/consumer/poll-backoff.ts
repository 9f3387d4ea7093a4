import { DumbwaiterError } from '../../contract/errors.ts';
import { waitSecondsMax } from '../../contract/limits.ts';

/** An empty receive is followed by the next no sooner than this after it began, doubled with each one empty in a row. */
export const idleMsMin = 100;
/** After a failed receive that may succeed later: doubled with each one in a row, half of it random. */
export const retryMsMin = 500;
export const retryMsMax = 30_000;
/** After one that will not until somebody acts: a key is renewed, a queue made. */
export const refusedMsMin = 10_000;
export const refusedMsMax = 60_000;

/**
 * When a consumer asks again. Busy, at once. Idle, it lets the server hold the call where the server says that this is cheap; elsewhere it
 * pauses before the next call, longer with each empty answer. With `waitSeconds` of the caller's own it waits in any case: 1 s, 2, 4, …, so that a
 * consumer that has just been busy leaves no long receive open when it stops.
 */
export class Pace {
  readonly #waitSeconds: number | undefined;
  readonly #idleMsMax: number;
  readonly #random: () => number;
  #waitIsCheap = false;
  #empty = 0;
  #failed = 0;

  constructor(options: { waitSeconds: number | undefined; maxIdlePollSeconds: number; random: () => number }) {
    this.#waitSeconds = options.waitSeconds;
    this.#idleMsMax = options.maxIdlePollSeconds * 1000;
    this.#random = options.random;
  }

  /** How long the next receive may wait at the server. */
  waitSeconds(): number {
    if (this.#waitIsCheap) return this.#waitSeconds ?? waitSecondsMax;
    return Math.min(this.#waitSeconds ?? 0, 2 ** this.#empty);
  }

  /** Whether the server, as far as it has said, notices that a caller hangs up, and gives back what it took for that call. */
  get mayHangUp(): boolean {
    return this.#waitIsCheap;
  }

  /** A receive answered with so many messages after so long. Answers the ms to pause. */
  answered(messages: number, tookMs: number, waitIsCheap = false): number {
    this.#waitIsCheap = waitIsCheap;
    this.#failed = 0;
    if (messages > 0) {
      this.#empty = 0;
      return 0;
    }
    const apartMs = Math.min(this.#idleMsMax, idleMsMin * 2 ** this.#empty);
    this.#empty++;
    return Math.max(0, apartMs - tookMs);
  }

  /** A receive failed. Answers the ms to pause. */
  failed(error: unknown): number {
    const later = !(error instanceof DumbwaiterError) || error.retryable;
    const [min, max] = later ? [retryMsMin, retryMsMax] : [refusedMsMin, refusedMsMax];
    const apartMs = Math.min(max, min * 2 ** this.#failed);
    this.#failed++;
    const askedMs = error instanceof DumbwaiterError ? (error.retryAfterMs ?? 0) : 0;
    return Math.max(askedMs, apartMs * (0.5 + this.#random() / 2));
  }
}
