/** Types of schedules. A schedule publishes a message at each of its ticks. */
import type { Attributes, PublishEntry } from './messages.ts';

/**
 * What each tick publishes: a body, as `body` or `bodyBase64`, with attributes. The queue adds two attributes: `schedule` and
 * `tick`.
 */
export type ScheduleMessage = Pick<PublishEntry, 'body' | 'bodyBase64' | 'attributes' | 'priority'>;

/** What happens to ticks that could not be published in time: one message for all of them, one for each, or none. */
export type MissedTicks = 'one' | 'all' | 'none';

/** A schedule as the caller gives it. Exactly one of `cron` and `everySeconds` is required. */
export interface ScheduleInput {
  /** The queue that its messages go to. */
  queue: string;
  /**
   * Five fields: minute, hour, day of the month, month, day of the week; or `@hourly`, `@daily`, `@weekly`, `@monthly`,
   * `@yearly`. At most 256 characters.
   */
  cron?: string;
  /** The time zone of `cron`, as an IANA name. Not allowed with `everySeconds`. Default `UTC`. */
  timeZone?: string;
  /**
   * The seconds between two ticks, 10 to 31,536,000 (365 days), counted from `startAt`; without `startAt`, from when the
   * schedule is put.
   */
  everySeconds?: number;
  /** No tick before this instant. Default `null`: no bound. */
  startAt?: string | null;
  /** No tick at or after this instant. Default `null`: no bound. */
  endAt?: string | null;
  /** Default `one`. */
  missed?: MissedTicks;
  /** While paused there are no ticks, and the ticks of that time are skipped. Default `false`. */
  paused?: boolean;
  message: ScheduleMessage;
}

export interface Schedule {
  name: string;
  queue: string;
  cron: string | null;
  timeZone: string | null;
  everySeconds: number | null;
  startAt: string | null;
  endAt: string | null;
  missed: MissedTicks;
  paused: boolean;
  message: ScheduleMessage & { attributes: Attributes };
  /** The next tick; `null` while paused and after the last tick. */
  nextAt: string | null;
  /** The last tick that was due and published. */
  lastAt: string | null;
  /** Why its ticks cannot be published. Publishing is retried every minute. */
  lastError: { at: string; message: string } | null;
  createdAt: string;
  updatedAt: string;
}

/** One schedule, as it is read by its name. */
export interface ScheduleWithTicks extends Schedule {
  /** Its next ticks after now, at most five. Fewer if the schedule ends before; none while it is paused. */
  nextTicks: string[];
}
