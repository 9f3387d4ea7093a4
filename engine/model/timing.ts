/** When a published or changed message becomes ready. */

/** A delay after the write, or an instant, both in ms. */
export type Timing = { delayMs: number } | { at: number };

export function visibleAtOf(timing: Timing, now: number): number {
  return 'at' in timing ? Math.max(now, timing.at) : now + timing.delayMs;
}
