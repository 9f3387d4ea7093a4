/** Schemas of a schedule that is put or changed. The engine checks whether the cron expression is valid. */
import * as z from 'zod';
import { attributesMax, cronCharsMax, everySecondsMax, everySecondsMin, timeZoneCharsMax } from '../limits.ts';
import * as field from './fields.ts';
import { content, hasOneBody, isObject, oneBody, priority, withoutNullBody } from './publish-entry.ts';

export const missedTicks = z.enum(['one', 'all', 'none'], { error: 'must be one of one, all, none' });

const cronError = `must be a cron expression of five fields, such as 30 2 * * MON-FRI, of at most ${cronCharsMax} characters`;
const cron = z
  .string(cronError)
  .max(cronCharsMax, cronError)
  // croner also accepts a sixth field for seconds, a seventh for years, and an instant.
  .regex(/^(?:@[a-z]+|[\w*,/#?-]+(?: +[\w*,/#?-]+){4})$/, cronError)
  .meta({
    description:
      'Five fields: minute, hour, day of the month, month, day of the week; or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. In place of `everySeconds`.',
  });

const timeZoneError = 'must be the name of an IANA time zone, such as Europe/Berlin';
const timeZone = z.string(timeZoneError).max(timeZoneCharsMax, timeZoneError).refine(isTimeZone, { error: timeZoneError });

function isTimeZone(name: string): boolean {
  try {
    // Some hosts accept offsets such as +02:00 as time zones, others do not.
    return /^[A-Za-z]/.test(name) && new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

/** The queue sets these two attributes on each message of a schedule. */
const setByTheQueue = ['schedule', 'tick'];

export const scheduleMessage = z
  .strictObject({ ...content, priority }, isObject)
  .overwrite(withoutNullBody)
  .refine(hasOneBody, oneBody)
  .refine(({ attributes = {} }) => setByTheQueue.every((name) => !Object.hasOwn(attributes, name)), {
    path: ['attributes'],
    error: 'must not have schedule or tick, which the queue sets on each message',
  })
  .refine(({ attributes = {} }) => Object.keys(attributes).length <= attributesMax - setByTheQueue.length, {
    path: ['attributes'],
    error: `must be at most ${attributesMax - setByTheQueue.length} attributes, because the queue sets schedule and tick`,
  });

const shape = {
  queue: field.queueName.describe('The queue that its messages go to.'),
  cron: cron.optional(),
  timeZone: timeZone
    .meta({ description: 'The time zone of `cron`, as an IANA name. Not allowed with `everySeconds`. Default `UTC`.' })
    .optional(),
  everySeconds: field
    .seconds(everySecondsMin, everySecondsMax)
    .describe('The seconds between two ticks, counted from `startAt`, or from when the schedule is put. In place of `cron`.')
    .optional(),
  startAt: field.instant.nullable().meta({ description: 'No tick before this instant. Default `null`: no bound.' }).optional(),
  endAt: field.instant.nullable().meta({ description: 'No tick at or after this instant. Default `null`: no bound.' }).optional(),
  missed: missedTicks
    .meta({
      description:
        'What happens to ticks that could not be published in time: one message for all of them, one for each, or none. Default `one`.',
    })
    .optional(),
  paused: field.flag
    .describe(
      'Whether the schedule is paused. While paused there are no ticks, and the ticks of that time are skipped. Default false.',
    )
    .optional(),
  message: scheduleMessage.describe('What each tick publishes. The queue sets two more attributes: `schedule` and `tick`.'),
};

type Timed = { cron?: string | undefined; everySeconds?: number | undefined; timeZone?: string | undefined };

const zoneOfCron = { path: ['timeZone'], error: 'is allowed only with cron, because everySeconds has no time zone' };
const hasZoneOfCron = ({ everySeconds, timeZone: zone }: Timed) => everySeconds === undefined || zone === undefined;

export const schedule = z
  .strictObject(shape, isObject)
  .refine(({ cron: given, everySeconds }) => (given === undefined) !== (everySeconds === undefined), {
    error: 'must have exactly one of cron and everySeconds',
  })
  .refine(hasZoneOfCron, zoneOfCron)
  // The engine checks it again when a change gives one of them.
  .refine(({ startAt, endAt }) => !startAt || !endAt || Date.parse(endAt) > Date.parse(startAt), {
    path: ['endAt'],
    error: 'must be later than startAt',
  });

export const scheduleChanges = z
  .strictObject({ ...shape, queue: shape.queue.optional(), message: shape.message.optional() }, isObject)
  .refine(({ cron: given, everySeconds }) => given === undefined || everySeconds === undefined, {
    error: 'must have at most one of cron and everySeconds',
  })
  .refine(hasZoneOfCron, zoneOfCron);
