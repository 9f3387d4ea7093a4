/** The ticks of a schedule: which there are, and which are to be published now. */
import { scheduleAheadMs, scheduleLateMsMax } from '../../contract/limits.ts';

/** A rule that says when it is time; instants in ms. */
export interface Recurrence {
  /** The first tick after this instant; undefined where there is none. */
  next(after: number): number | undefined;
  /** The last tick at or before it. */
  last(until: number): number | undefined;
}

/** Each so many seconds, the anchor being one of the ticks and none lying before it. */
export function rateTiming(everySeconds: number, anchor: number): Recurrence {
  const everyMs = everySeconds * 1000;
  const last = (until: number) => (until < anchor ? undefined : anchor + Math.floor((until - anchor) / everyMs) * everyMs);
  return {
    last,
    next: (after) => (last(after) ?? anchor - everyMs) + everyMs,
  };
}

/** The same ticks, those before `startAt` and from `endAt` on left out. */
export function within(timing: Recurrence, { startAt, endAt }: { startAt?: number; endAt?: number }): Recurrence {
  const inside = (tick: number | undefined) =>
    tick === undefined || (startAt !== undefined && tick < startAt) || (endAt !== undefined && tick >= endAt) ? undefined : tick;
  return {
    next: (after) => inside(timing.next(startAt === undefined ? after : Math.max(after, startAt - 1))),
    last: (until) => inside(timing.last(endAt === undefined ? until : Math.min(until, endAt - 1))),
  };
}

export interface Plan {
  /** To be published now, in order: those due, and those that soon will be. */
  ticks: number[];
  /** The first that is left for later. */
  nextAt: number | undefined;
}

/**
 * What to publish at `now`, `nextAt` being the first tick that was not published. When that is late, publishing stood still: of all ticks until
 * now the policy decides. Else what is due and what will be before the sweep after next is published, `max` at most. Those in `ahead` are
 * left out: published once, whatever became of them.
 */
export function planTicks(
  timing: Recurrence,
  { nextAt, missed, ahead = [] }: { nextAt?: number; missed: 'one' | 'all' | 'none'; ahead?: readonly { tick: number }[] },
  now: number,
  max: number,
): Plan {
  const published = new Set(ahead.map(({ tick }) => tick));
  const ticks: number[] = [];
  const publish = (tick: number) => {
    if (!published.has(tick)) ticks.push(tick);
  };
  let at = nextAt;
  if (at !== undefined && at < now - scheduleLateMsMax && missed !== 'all') {
    const last = Math.max(at, timing.last(now) ?? at);
    if (missed === 'one') publish(last);
    at = timing.next(last);
  }
  while (at !== undefined && at <= now + scheduleAheadMs && ticks.length < max) {
    publish(at);
    at = timing.next(at);
  }
  return { ticks, nextAt: at };
}
