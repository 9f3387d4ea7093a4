/** Draws delays of messages. */
import type { Drawing } from './drawing.ts';
import type { PlannedMessage } from './plan.ts';

/** A delay in seconds, or an instant. */
export function drawWait(d: Drawing): Pick<PlannedMessage, 'delaySeconds' | 'deliverSeconds'> {
  return d.chance(0.7) ? { delaySeconds: 1 + d.whole(30) } : drawInstant(d);
}

/** An instant, sometimes in the past. */
export function drawInstant(d: Drawing): Required<Pick<PlannedMessage, 'deliverSeconds'>> {
  return { deliverSeconds: d.chance(0.2) ? -d.whole(60) : 1 + d.whole(30) };
}
