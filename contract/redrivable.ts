/** Which messages of a dead-letter queue a redrive moves: for lists and counts before it. `engine/redrive/` decides. */
import type { Message } from './messages.ts';

/**
 * Dead letters, also those that wait after a failed receive and are `delayed`. With `toQueue`, other messages of the queue too, except those
 * of groups. Never what is leased or prepared.
 */
export function isRedrivable({ state, deadLetter, group }: Message, toQueue?: string): boolean {
  if (state === 'leased' || state === 'prepared') return false;
  return deadLetter !== undefined || (toQueue !== undefined && group === undefined);
}
