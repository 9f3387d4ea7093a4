/** Computes the ticks of a schedule, and which of them to publish now. */
import { scheduleAheadMs, scheduleLateMsMax } from '../../contract/limits.ts';

/** The ticks of a rule. Instants are in ms. */
export interface Recurrence {
  /** The first tick after this instant. Undefined if there is none. */
  next(after: number): number | undefined;
  /** The last tick at or before this instant. Undefined if there is none. */
  last(until: number): number | undefined;
}

/** A tick every `everySeconds`. The anchor is the first tick. */
export function rateTiming(everySeconds: number, anchor: number): Recurrence {
  const everyMs = everySeconds * 1000;
  const last = (until: number) => (until < anchor ? undefined : anchor + Math.floor((until - anchor) / everyMs) * everyMs);
  return {
    last,
    next: (after) => (last(after) ?? anchor - everyMs) + everyMs,
  };
}

/** The same ticks, without those before `startAt` and those at or after `endAt`. */
export function within(timing: Recurrence, { startAt, endAt }: { startAt?: number; endAt?: number }): Recurrence {
  const inside = (tick: number | undefined) =>
    tick === undefined || (startAt !== undefined && tick < startAt) || (endAt !== undefined && tick >= endAt) ? undefined : tick;
  return {
    next: (after) => inside(timing.next(startAt === undefined ? after : Math.max(after, startAt - 1))),
    last: (until) => inside(timing.last(endAt === undefined ? until : Math.min(until, endAt - 1))),
  };
}

/** The first ticks after this instant, at most `max`. */
export function ticksAfter(timing: Recurrence, after: number, max: number): number[] {
  const ticks: number[] = [];
  for (let at = timing.next(after); at !== undefined && ticks.length < max; at = timing.next(at)) ticks.push(at);
  return ticks;
}

export interface Plan {
  /** Ticks to publish now, in order: due ones, and ones that fall due soon. */
  ticks: number[];
  /** The first tick left for a later run. Undefined if there is none. */
  nextAt: number | undefined;
}

/**
 * Plans the ticks to publish at `now`. `nextAt` is the first tick not yet published. If it is more than `scheduleLateMsMax`
 * ago, the policy `missed` decides which of the ticks until now are published. After that come due ticks and those that fall
 * due within `scheduleAheadMs`, at most `max`. Ticks in `ahead` are left out: they were published already, whatever became of
 * their messages.
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
