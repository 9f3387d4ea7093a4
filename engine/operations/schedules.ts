/** The operations on schedules. `schedules/` has their rules. */
import type { InputOf, OutputOf, Page, Schedule, ScheduleWithTicks } from '../../contract/contract.ts';
import { DumbwaiterError, invalidInput } from '../../contract/errors.ts';
import { callBytesMax, nextTicksMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { removeChunks } from '../leases/removals.ts';
import { messageOverheadBytes } from '../messages/message-view.ts';
import { readContents, sizeOf } from '../model/content-codec.ts';
import { formatCursor } from '../model/cursors.ts';
import { StoreError } from '../port/port.ts';
import { changeSchedule, type Definition } from '../schedules/change-schedule.ts';
import { withoutLost } from '../schedules/lost-ticks.ts';
import {
  boundedTimingOf,
  decodeSchedule,
  describeSchedule,
  findSchedule,
  type ScheduleRecord,
  type ScheduleSnapshot,
  scheduleContent,
  scheduleKind,
  scheduleNotFound,
} from '../schedules/schedule-record.ts';
import { commitSchedule, earliestDeadline, takeBack, untilChanged } from '../schedules/schedule-writes.ts';
import { ticksAfter } from '../schedules/ticks.ts';
import { pageByName } from './queues.ts';

const timeZoneDefault = 'UTC';

/** Creates or replaces a schedule. A repeat with the same definition changes nothing. */
export async function putSchedule(ctx: Context, name: string, input: InputOf<'putSchedule'>): Promise<Schedule> {
  const { queue, cron, timeZone = timeZoneDefault, everySeconds, missed = 'one', paused = false, message } = input;
  const { priority: level = 0, ...content } = message;
  return changeSchedule(ctx, name, () => ({
    queue,
    rule: cron === undefined ? { everySeconds: everySeconds! } : { cron, timeZone },
    startAt: instantOf(input.startAt),
    endAt: instantOf(input.endAt),
    missed,
    paused,
    level,
    content,
  }));
}

function instantOf(text: string | null | undefined): number | undefined {
  return typeof text === 'string' ? Date.parse(text) : undefined;
}

/** Changes the given fields of a schedule, and no other: for example pauses or resumes it. */
export async function updateSchedule(ctx: Context, name: string, input: InputOf<'updateSchedule'>): Promise<Schedule> {
  return changeSchedule(ctx, name, (before) => {
    if (!before) throw scheduleNotFound(name);
    const { queue, missed, paused, message } = input;
    const { priority: level = 0, ...content } = message ?? {};
    return {
      queue: queue ?? before.queue,
      rule: ruleOf(before, input),
      startAt: input.startAt === undefined ? before.startAt : instantOf(input.startAt),
      endAt: input.endAt === undefined ? before.endAt : instantOf(input.endAt),
      missed: missed ?? before.missed,
      paused: paused ?? before.paused,
      ...(message ? { level, content } : { level: before.level, content: before.content }),
    };
  });
}

function ruleOf({ rule }: Definition, { cron, timeZone, everySeconds }: InputOf<'updateSchedule'>): Definition['rule'] {
  if (everySeconds !== undefined) return { everySeconds };
  if ('cron' in rule) return { cron: cron ?? rule.cron, timeZone: timeZone ?? rule.timeZone };
  if (cron !== undefined) return { cron, timeZone: timeZone ?? timeZoneDefault };
  if (timeZone !== undefined) throw invalidInput('timeZone: is allowed only with cron, because everySeconds has no time zone');
  return rule;
}

/** How often to read: a change may replace the content between the read of the row and the read of the content. */
const readsMax = 3;

export async function getSchedule(ctx: Context, name: string): Promise<ScheduleWithTicks> {
  for (let read = 0; read < readsMax; read++) {
    const { record } = await findSchedule(ctx, name);
    if (!record) throw scheduleNotFound(name);
    const content = await scheduleContent(ctx, record);
    if (!content) continue;
    const now = ctx.clock.now();
    const described = describeSchedule((await withoutLost(ctx, record)).record, content, now);
    return { ...described, nextTicks: (await nextTicks(record, now)).map((tick) => new Date(tick).toISOString()) };
  }
  throw new StoreError(`the message of the schedule "${name}" cannot be read`, 'no');
}

async function nextTicks(record: ScheduleRecord, now: number): Promise<number[]> {
  if (record.paused) return [];
  try {
    return ticksAfter(await boundedTimingOf(record), now, nextTicksMax);
  } catch (error) {
    // A process that does not know the time zone must still show the schedule: its `lastError` says so.
    if (error instanceof DumbwaiterError) return [];
    throw error;
  }
}

/** Deletes a schedule and cancels its messages that are not due yet. Due messages stay. */
export async function deleteSchedule(ctx: Context, name: string): Promise<object> {
  return untilChanged(ctx, name, async () => {
    const readAt = ctx.clock.now();
    const before = await findSchedule(ctx, name);
    if (!before.record) throw scheduleNotFound(name);
    const { writes } = await takeBack(ctx, before.record);
    const outcome = await commitSchedule(ctx, { before, next: undefined, writes }, earliestDeadline(readAt));
    if (outcome !== 'made') return undefined;
    await removeChunks(ctx, before.record.content);
    return {};
  });
}

/** Lists schedules by name, a page at a time. A page with large messages may be short and still have a cursor. */
export async function listSchedules(ctx: Context, input: Page): Promise<OutputOf<'listSchedules'>> {
  const page = await pageByName(ctx, scheduleKind, input);
  const read = page.rows.map(decodeSchedule);
  const shown = read.slice(0, countThatFits(read));
  const present = shown.flatMap(({ record }) => record ?? []);
  const records = await Promise.all(present.map(async (record) => (await withoutLost(ctx, record)).record));
  const contents = await readContents(
    ctx.store,
    records.map(({ content }) => content),
  );
  const now = ctx.clock.now();
  const schedules = records.flatMap((record, index) => {
    const content = contents[index]?.[0];
    // The schedule was changed or deleted between the two reads.
    return content ? [describeSchedule(record, content, now)] : [];
  });
  const last = shown.at(-1);
  const isLast = !page.next && shown.length === read.length;
  return isLast || !last ? { schedules } : { schedules, cursor: formatCursor({ name: last.name }) };
}

/** How many schedules fit into one response: at least one. */
function countThatFits(seen: readonly ScheduleSnapshot[]): number {
  let bytes = 0;
  for (const [index, { record }] of seen.entries()) {
    if (!record) continue;
    bytes += sizeOf(record.content) + messageOverheadBytes;
    if (index > 0 && bytes > callBytesMax) return index;
  }
  return seen.length;
}
