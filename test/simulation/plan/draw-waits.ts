/** Draws when messages are to come. */
import type { Drawing } from './drawing.ts';
import type { PlannedMessage } from './plan.ts';

/** After so many seconds, or at an instant. */
export function drawWait(d: Drawing): Pick<PlannedMessage, 'delaySeconds' | 'deliverSeconds'> {
  return d.chance(0.7) ? { delaySeconds: 1 + d.whole(30) } : drawInstant(d);
}

/** Now and then one that has passed. */
export function drawInstant(d: Drawing): Required<Pick<PlannedMessage, 'deliverSeconds'>> {
  return { deliverSeconds: d.chance(0.2) ? -d.whole(60) : 1 + d.whole(30) };
}
