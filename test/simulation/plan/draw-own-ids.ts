/** Draws messages with own ids, and the `idempotency` of queues. */
import type { QueueSettings } from '../../../contract/contract.ts';
import { drawWait } from './draw-waits.ts';
import type { Drawing } from './drawing.ts';
import type { PlannedMessage } from './plan.ts';

export function drawIdempotency(d: Drawing): Partial<QueueSettings> {
  return { idempotency: d.pick(['acked', 'acked', 'acked', 'live', 'ended']) };
}

/** Each queue has different ids. Otherwise the checker could not tell which queue a moved message came from. */
export function drawOwnIds(d: Drawing, next: () => number, queue: string): PlannedMessage[] {
  return Array.from({ length: d.pick([1, 1, 2]) }, () => ({ ...drawOwn(d, next), id: `own-${queue}-${d.whole(2)}` }));
}

export function drawOwn(d: Drawing, next: () => number): PlannedMessage {
  return { number: next(), chars: d.chance(0.15) ? 1200 : 0, ...(d.chance(0.25) ? drawWait(d) : {}) };
}
