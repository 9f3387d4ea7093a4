/** Draws prepared messages, and the settings of queues for undecided ones. */
import type { QueueSettings } from '../../../contract/contract.ts';
import { drawWait } from './draw-waits.ts';
import type { Drawing } from './drawing.ts';
import type { PlannedMessage } from './plan.ts';

export function drawPreparedSettings(d: Drawing): Partial<QueueSettings> {
  const checkBack = d.chance(0.5) ? { url: 'https://publisher.example/' } : null;
  return { prepared: { timeoutSeconds: d.pick([1, 5, 30, 120, 600]), checkBack } };
}

export function drawPrepared(d: Drawing, next: () => number): PlannedMessage[] {
  const own = d.chance(0.2);
  return Array.from({ length: d.pick([1, 1, 1, 2, 3]) }, () => ({
    number: next(),
    chars: d.chance(0.12) ? 1200 : 0,
    ...(own ? { id: `own-${d.whole(4)}` } : {}),
    ...(d.chance(0.25) ? drawWait(d) : {}),
    prepared: true as const,
  }));
}
