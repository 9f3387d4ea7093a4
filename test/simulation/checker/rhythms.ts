/** When the ticks of a schedule are, computed independently of the engine. */
import type { ScheduleInput } from '../../../contract/contract.ts';
import { offsetHours } from '../plan/zones.ts';

export type Rhythm =
  /** `anchors`: instants that may be ticks, and from which the others follow. Undefined if unknown. */
  { everyMs: number; anchors: readonly number[] | undefined } | { cron: string; timeZone: string };

const timeZoneDefault = 'UTC';
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** The rhythm that a call asked for, after `before`. A cron expression keeps its time zone until a call gives another. */
export function rhythmOf(
  { cron, timeZone, everySeconds }: Partial<ScheduleInput>,
  before: Rhythm | undefined,
  anchors: readonly number[] | undefined,
): Rhythm {
  const former = before && 'cron' in before ? before : undefined;
  if (everySeconds !== undefined) return { everyMs: everySeconds * 1000, anchors };
  if (cron !== undefined) return { cron, timeZone: timeZone ?? former?.timeZone ?? timeZoneDefault };
  if (former) return { ...former, ...(timeZone === undefined ? {} : { timeZone }) };
  return { ...before!, anchors } as Rhythm;
}

/** Whether the instant (ms) may be a tick. */
export function isBeat(rhythm: Rhythm, instant: number): boolean {
  if ('cron' in rhythm) return instant % minuteMs === 0 && fitsClock(rhythm, instant);
  const { everyMs, anchors } = rhythm;
  return anchors === undefined || anchors.some((anchor) => instant >= anchor && (instant - anchor) % everyMs === 0);
}

/** The ticks in a range of time. They must be known. */
export function* beats(rhythm: Rhythm, from: number, until: number): Generator<number> {
  const isCron = 'cron' in rhythm;
  const anchor = isCron ? 0 : rhythm.anchors![0]!;
  const stepMs = isCron ? minuteMs : rhythm.everyMs;
  const first = anchor + Math.max(0, Math.ceil((from - anchor) / stepMs)) * stepMs;
  for (let instant = first; instant <= until; instant += stepMs) if (isBeat(rhythm, instant)) yield instant;
}

function fitsClock({ cron, timeZone }: { cron: string; timeZone: string }, instant: number): boolean {
  const [minute, hour, ...days] = cron.split(' ');
  const offset = offsetHours[timeZone];
  if (days.length !== 3 || days.some((field) => field !== '*') || offset === undefined)
    throw new Error(`the checker cannot compute the ticks of "${cron}" in ${timeZone}`);
  const local = instant + offset * hourMs;
  return fits(minute!, Math.floor(local / minuteMs) % 60) && fits(hour!, Math.floor(local / hourMs) % 24);
}

/** A field is `*`, a step such as every fifth, or one number. */
function fits(field: string, value: number): boolean {
  const [, every] = /^\*\/(\d+)$/.exec(field) ?? [];
  if (every !== undefined) return value % Number(every) === 0;
  return field === '*' || value === Number(field);
}
