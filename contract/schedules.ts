/** What travels of schedules, which publish a message at each of their ticks. */
import type { Attributes, PublishEntry } from './messages.ts';

/** What each tick publishes: a body, as `body` or `bodyBase64`, with attributes. Each message is given two more: `schedule` and `tick`. */
export type ScheduleMessage = Pick<PublishEntry, 'body' | 'bodyBase64' | 'attributes' | 'priority'>;

/** What becomes of ticks that could not be published in time: one message for all of them, one for each, or none. */
export type MissedTicks = 'one' | 'all' | 'none';

/** Either `cron` or `everySeconds`. */
export interface ScheduleInput {
  /** Where its messages go. */
  queue: string;
  /** Five fields: minute, hour, day of the month, month, day of the week; or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. */
  cron?: string;
  /** The time zone of `cron`, by its IANA name. Default `UTC`. */
  timeZone?: string;
  /** Each so many seconds from `startAt` on; without it, from when the schedule is put. */
  everySeconds?: number;
  /** No tick before this instant. */
  startAt?: string | null;
  /** No tick at or after this instant. */
  endAt?: string | null;
  /** Default `one`. */
  missed?: MissedTicks;
  /** While paused there are no ticks; those of that time are left out. Default `false`. */
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
  /** The tick to come; `null` while paused, and after the last. */
  nextAt: string | null;
  /** The last tick that has passed, and was published. */
  lastAt: string | null;
  /** Why its ticks can not be published; they are tried again each minute. */
  lastError: { at: string; message: string } | null;
  createdAt: string;
  updatedAt: string;
}
