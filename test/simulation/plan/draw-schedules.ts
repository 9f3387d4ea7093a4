/** Draws schedules and changes of them. */
import { everySecondsMin } from '../../../contract/limits.ts';
import type { Drawing } from './drawing.ts';
import type { PlannedQueue, ScheduleChange, ScheduleStep } from './plan.ts';
import { offsetHours } from './zones.ts';

const minuteSeconds = 60;
const hourSeconds = 60 * minuteSeconds;

const names = ['hourly', 'nightly'];
const missed = ['one', 'all', 'all', 'none'] as const;

export function drawSchedule(d: Drawing, queues: readonly PlannedQueue[], next: () => number): ScheduleStep {
  const content = { number: next(), chars: d.chance(0.12) ? 1200 : 0 };
  return {
    name: d.pick(names),
    queue: d.pick(queues).name,
    ...drawRule(d, [everySecondsMin, 20, 60, 90]),
    ...(d.chance(0.6) ? { startSeconds: d.whole(180) - 60 } : {}),
    missed: d.pick(missed),
    ...content,
  };
}

/** A change of one property. */
export function drawScheduleChange(d: Drawing, next: () => number): ScheduleChange {
  const what = d.random.number();
  if (what < 0.6) return { paused: what < 0.35 };
  if (what < 0.8) return { number: next(), chars: d.chance(0.2) ? 1200 : 0 };
  return what < 0.9 ? { rule: drawRule(d, [everySecondsMin, 30]).rule } : { missed: d.pick(missed) };
}

/** A rule, and a duration that contains a few ticks. */
function drawRule(d: Drawing, rates: readonly number[]): Pick<ScheduleStep, 'rule' | 'lastsSeconds'> {
  const ticks = 3 + d.whole(15);
  if (d.chance(0.4)) {
    const everySeconds = d.pick(rates);
    return { rule: { everySeconds }, lastsSeconds: ticks * everySeconds };
  }
  const every = d.pick([1, 1, 2, 5]);
  const lastsSeconds = ticks * every * minuteSeconds;
  const minutes = every === 1 ? '*' : `*/${every}`;
  const form = d.random.number();
  if (form < 0.5) return { rule: { cron: `${minutes} * * * *` }, lastsSeconds };
  // Histories start at midnight UTC.
  if (form < 0.75) return { rule: { cron: `${d.pick([d.whole(20), 30])} * * * *` }, lastsSeconds: ticks * hourSeconds };
  const timeZone = d.pick(Object.keys(offsetHours));
  const hour = (24 + offsetHours[timeZone]!) % 24;
  return { rule: { cron: `${minutes} ${hour} * * *`, timeZone }, lastsSeconds };
}

export const drawScheduleName = (d: Drawing) => d.pick(names);
