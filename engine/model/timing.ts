/** When a published or changed message is to be ready. */

/** When a message is to be ready: so long after it is written, or at an instant. */
export type Timing = { delayMs: number } | { at: number };

export function visibleAtOf(timing: Timing, now: number): number {
  return 'at' in timing ? Math.max(now, timing.at) : now + timing.delayMs;
}
