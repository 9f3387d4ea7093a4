/** Draws schedules, and what is done to them. */
import { everySecondsMin } from '../../sdk/limits.ts';
import type { Drawing } from './drawing.ts';
import type { PlannedQueue, ScheduleChange, ScheduleStep } from './plan.ts';

const names = ['hourly', 'nightly'];
const missed = ['one', 'all', 'all', 'none'] as const;

export function drawSchedule(d: Drawing, queues: readonly PlannedQueue[], next: () => number): ScheduleStep {
  const content = { number: next(), chars: d.chance(0.12) ? 1200 : 0 };
  return {
    name: d.pick(names),
    queue: d.pick(queues).name,
    everySeconds: d.pick([everySecondsMin, 20, 60, 90]),
    ...(d.chance(0.6) ? { startSeconds: d.whole(180) - 60 } : {}),
    ticks: 3 + d.whole(15),
    missed: d.pick(missed),
    ...content,
  };
}

/** What of it is to be another. */
export function drawScheduleChange(d: Drawing, next: () => number): ScheduleChange {
  const what = d.random.number();
  if (what < 0.6) return { paused: what < 0.35 };
  if (what < 0.8) return { number: next(), chars: d.chance(0.2) ? 1200 : 0 };
  return what < 0.9 ? { everySeconds: d.pick([everySecondsMin, 30]) } : { missed: d.pick(missed) };
}

export const drawScheduleName = (d: Drawing) => d.pick(names);
