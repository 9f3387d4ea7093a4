/** Drives a consumer that can be woken until it listens, with timers that only the test advances and connections that are real. */
import { eventually } from './eventually.ts';
import type { ManualTimers } from './manual-timers.ts';

/** The pause of a consumer that is told of messages. */
export const listeningPauseMs = 120_000;

export function isPausing(timers: ManualTimers, pauseMs = listeningPauseMs): boolean {
  return timers.pendingMs.some((ms) => ms > pauseMs - 1_000 && ms <= pauseMs);
}

/** Lets the timers pass until the consumer pauses as long as one that is told of messages. */
export async function untilListening(timers: ManualTimers, pauseMs = listeningPauseMs): Promise<void> {
  // A listen has ten seconds for its answer. Time does not pass meanwhile.
  const isAsking = () => timers.pendingMs.some((ms) => ms > 5_000 && ms <= 10_000);
  for (;;) {
    await eventually(
      () => isPausing(timers, pauseMs) || (timers.pendingMs.length > 0 && timers.pendingMs[0]! <= 5_000 && !isAsking()),
    );
    if (isPausing(timers, pauseMs)) return;
    await timers.advance(timers.pendingMs[0]!);
  }
}
