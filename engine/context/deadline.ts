/** Until when a long run goes on. Each of its loops asks, so that the run ends soon after its time, or as soon as it is told to stop. */
import type { Clock } from '../port/port.ts';

export interface Deadline {
  isOver(): boolean;
  /** A deadline of its own for a part of the run: after this share of the time that is left. */
  share(part: number): Deadline;
}

export function createDeadline(clock: Pick<Clock, 'now'>, until: number, signal?: AbortSignal): Deadline {
  return {
    isOver: () => signal?.aborted === true || clock.now() >= until,
    share: (part) => createDeadline(clock, clock.now() + (until - clock.now()) * part, signal),
  };
}
