/** Draws messages with dedup keys, and the `deduplication` of queues. */
import type { QueueSettings } from '../../../contract/contract.ts';
import { drawWait } from './draw-waits.ts';
import type { Drawing } from './drawing.ts';
import type { PlannedMessage } from './plan.ts';

export function drawDeduplication(d: Drawing): Partial<QueueSettings> {
  const windowSeconds = d.pick([null, null, 1, 5, 30, 120, 600]);
  return { deduplication: { windowSeconds, onDuplicate: d.pick(['ignore', 'replace', 'debounce']) } };
}

/** Each queue has different keys. Otherwise the checker could not tell which queue a moved message came from. */
export function drawKeyed(d: Drawing, next: () => number, queue: string): PlannedMessage[] {
  // A key of a group is never used outside groups: there it is taken as long as its message lives.
  const inGroup = d.chance(0.3) ? { group: `group-${d.whole(2)}` } : undefined;
  return Array.from({ length: d.pick([1, 1, 1, 2, 3]) }, () => ({
    number: next(),
    chars: d.chance(0.12) ? 1200 : 0,
    ...inGroup,
    dedupKey: `${queue}-${inGroup ? 'group-' : ''}${d.whole(2)}`,
    ...(d.chance(0.4) ? drawWait(d) : {}),
  }));
}
