import { DumbwaiterError } from './errors.ts';

/** An empty receive is followed by the next no sooner than this after it began, doubled with each one empty in a row. */
export const idleMsMin = 100;
/** After a failed receive that may succeed later: doubled with each one in a row, half of it random. */
export const retryMsMin = 500;
export const retryMsMax = 30_000;
/** After one that will not until somebody acts: a key is renewed, a queue made. */
export const refusedMsMin = 10_000;
export const refusedMsMax = 60_000;

/**
 * When a consumer asks again. Busy, at once. Idle, it waits longer with each empty answer: at the server (a long poll:
 * 1 s, 2, 4, … `waitSeconds`), or, when the server does not hold the call, before the next one. It begins with short
 * waits so that a consumer which has just been busy can stop soon without leaving a receive open.
 */
export class Pace {
  readonly #waitSecondsMax: number;
  readonly #idleMsMax: number;
  readonly #random: () => number;
  #empty = 0;
  #failed = 0;

  constructor(options: { waitSeconds: number; idleMsMax: number; random: () => number }) {
    this.#waitSecondsMax = options.waitSeconds;
    this.#idleMsMax = options.idleMsMax;
    this.#random = options.random;
  }

  /** How long the next receive may wait at the server. */
  waitSeconds(): number {
    return Math.min(this.#waitSecondsMax, 2 ** this.#empty);
  }

  /** A receive answered with so many messages after so long. Answers the ms to pause. */
  answered(messages: number, tookMs: number): number {
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
