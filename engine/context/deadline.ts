/** The deadline of a long run. Each loop of the run checks it, so that the run ends soon after its time or the stop signal. */
import type { Clock } from '../port/port.ts';

export interface Deadline {
  isOver(): boolean;
  /** A deadline for one part of the run: after this share (0 to 1) of the remaining time. */
  share(part: number): Deadline;
}

export function createDeadline(clock: Pick<Clock, 'now'>, until: number, signal?: AbortSignal): Deadline {
  return {
    isOver: () => signal?.aborted === true || clock.now() >= until,
    share: (part) => createDeadline(clock, clock.now() + (until - clock.now()) * part, signal),
  };
}
