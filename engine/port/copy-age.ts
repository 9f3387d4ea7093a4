/** How old a copy of a row may be. */

/** Whether a copy that was read then may still be used. One that seems to come from the future may not: the clock was set back. */
export function isRecent(readAt: number, now: number, ageMsMax: number): boolean {
  return readAt <= now && now - readAt < ageMsMax;
}
