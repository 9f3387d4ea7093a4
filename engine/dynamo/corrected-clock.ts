/**
 * The queue's time: this process's clock, corrected by DynamoDB's `Date` header.
 *
 * Each answer limits the possible offset of the local clock. The header gives the second in which the server answered, which is
 * between sending and receiving. So the offset is in [date - received, date + 1000 - sent]. The intervals of all answers are
 * intersected. An interval that contradicts them (a clock was set) replaces them. While the interval contains 0, the clock is not
 * corrected. Otherwise the correction is the bound nearest to 0.
 *
 * The clock stops being trusted when an answer shows that it was off by more than `clockMarginMs`, correction included. It is
 * trusted again when the interval is so small that the error cannot be larger than that.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { clockMarginMs } from '../../contract/limits.ts';
import type { Clock } from '../port/port.ts';

/** HTTP's `Date` header counts whole seconds: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7 */
const dateResolutionMs = 1000;

/** One answer: the server's date, and the local time when the request was sent and when the answer arrived. */
export interface Observation {
  date: number;
  sent: number;
  received: number;
}

export interface CorrectedClock extends Clock {
  /** The local clock, uncorrected. */
  local(): number;
  observe(observation: Observation): void;
}

export function createCorrectedClock(local: () => number = Date.now): CorrectedClock {
  let low = Number.NEGATIVE_INFINITY;
  let high = Number.POSITIVE_INFINITY;
  let correction = 0;
  let trusted = true;

  return {
    local,
    now: () => local() + correction,
    trusted: () => trusted,

    observe({ date, sent, received }) {
      const [from, to] = [date - received, date + dateResolutionMs - sent];
      if (from > to) return; // The clock was set back in between, so this answer is unusable.
      if (correction < from - clockMarginMs || correction > to + clockMarginMs) trusted = false;
      [low, high] = from > high || to < low ? [from, to] : [Math.max(low, from), Math.min(high, to)];
      correction = Math.min(Math.max(0, low), high);
      if (Math.max(correction - low, high - correction) <= clockMarginMs) trusted = true;
    },

    async sleep(ms, signal) {
      await delay(ms, undefined, signal === undefined ? {} : { signal });
    },
  };
}
