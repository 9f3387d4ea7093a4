/** A schedule as a row of `queues`: its rule, what each tick publishes, and how far it is. */
import type { MissedTicks, Schedule } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { tombstoneMs } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { type Content, type Placed, readContents } from '../model/content-codec.ts';
import { placedRow, readPlaced } from '../model/slot-codec.ts';
import type { Key, Row, Value } from '../port/port.ts';
import { cronTiming } from './cron.ts';
import { type Recurrence, rateTiming, within } from './ticks.ts';

export const scheduleKind = 'schedule';

/** Of the contents of its message a row holds this much, bytes; more lies beside it, for the row is written at each tick. */
export const contentsInRowBytesMax = 512;

/** When its ticks are. */
export type Rule = { cron: string; timeZone: string } | { everySeconds: number; anchor: number };

/** A message published before its tick came. */
export interface Ahead {
  /** Of its row in `leases`. */
  id: string;
  tick: number;
  /** Of the queue that it was published to: a queue of the same name that was made since does not have it. */
  incarnation?: string;
}

export interface ScheduleRecord {
  name: string;
  queue: string;
  rule: Rule;
  startAt?: number;
  endAt?: number;
  missed: MissedTicks;
  paused: boolean;
  contents: Placed;
  /** The priority of its messages. */
  level: number;
  /** The first tick that was not published; none: paused, or over. */
  nextAt?: number;
  /** The last tick published, but for those in `ahead`. */
  lastAt?: number;
  /** Published, and not due when the row was written, or not before `nextAt`. In order. */
  ahead: Ahead[];
  error?: { at: number; message: string };
  createdAt: number;
  updatedAt: number;
  version: string;
}

export function scheduleKey(name: string): Key {
  return { table: 'queues', kind: scheduleKind, name };
}

export function scheduleRow({ rule, contents, ahead, error, ...plain }: ScheduleRecord): Row {
  const row: Row = { ...plain, kind: scheduleKind, rule: { ...rule }, ...placedRow(contents) };
  if (ahead.length > 0)
    row.ahead = ahead.map(({ id, tick, incarnation }) => [id, tick, ...(incarnation === undefined ? [] : [incarnation])]);
  if (error) row.error = { ...error };
  return row;
}

function readSchedule(row: Row): ScheduleRecord {
  const record: ScheduleRecord = {
    name: row.name as string,
    queue: row.queue as string,
    rule: row.rule as unknown as Rule,
    missed: row.missed as MissedTicks,
    paused: row.paused as boolean,
    contents: readPlaced(row),
    level: row.level as number,
    ahead: ((row.ahead as Value[] | undefined) ?? []).map((one) => {
      const [id, tick, incarnation] = one as [string, number, string?];
      return { id, tick, ...(incarnation === undefined ? {} : { incarnation }) };
    }),
    createdAt: row.createdAt as number,
    updatedAt: row.updatedAt as number,
    version: row.version as string,
  };
  for (const name of ['startAt', 'endAt', 'nextAt', 'lastAt'] as const) {
    if (row[name] !== undefined) record[name] = row[name] as number;
  }
  if (row.error !== undefined) record.error = row.error as unknown as NonNullable<ScheduleRecord['error']>;
  return record;
}

const instant = (ms: number) => new Date(ms).toISOString();
const earliest = (a: number | undefined, b: number | undefined) => (a === undefined || (b !== undefined && b < a) ? b : a);
const instantOrNull = (ms: number | undefined) => (ms === undefined ? null : instant(ms));

export function describeSchedule(record: ScheduleRecord, content: Content, now: number): Schedule {
  const { rule, level, error } = record;
  const { attributes = {}, ...body } = content;
  const passed = record.ahead.filter(({ tick }) => tick <= now);
  return {
    name: record.name,
    queue: record.queue,
    cron: 'cron' in rule ? rule.cron : null,
    timeZone: 'cron' in rule ? rule.timeZone : null,
    everySeconds: 'cron' in rule ? null : rule.everySeconds,
    startAt: instantOrNull(record.startAt),
    endAt: instantOrNull(record.endAt),
    missed: record.missed,
    paused: record.paused,
    message: { ...body, attributes, ...(level === 0 ? {} : { priority: level }) },
    nextAt: instantOrNull(earliest(record.ahead[passed.length]?.tick, record.nextAt)),
    lastAt: instantOrNull(passed.at(-1)?.tick ?? record.lastAt),
    lastError: error ? { at: instant(error.at), message: error.message } : null,
    createdAt: instant(record.createdAt),
    updatedAt: instant(record.updatedAt),
  };
}

/** Throws DumbwaiterError `invalid_input` for a cron expression or a time zone that is not understood. */
export async function timingOf({ rule }: Pick<ScheduleRecord, 'rule'>): Promise<Recurrence> {
  return 'cron' in rule ? cronTiming(rule.cron, rule.timeZone) : rateTiming(rule.everySeconds, rule.anchor);
}

export async function boundedTimingOf(record: Pick<ScheduleRecord, 'rule' | 'startAt' | 'endAt'>): Promise<Recurrence> {
  return within(await timingOf(record), record);
}

export function scheduleNotFound(name: string): DumbwaiterError {
  return new DumbwaiterError('schedule_not_found', `name: there is no schedule "${name}"`);
}

/** What is under a name: its version, and the schedule, unless it was deleted. */
export interface SeenSchedule {
  name: string;
  version?: string;
  record?: ScheduleRecord;
}

export async function lookAtSchedule(ctx: Context, name: string): Promise<SeenSchedule> {
  const [row] = await ctx.store.get([scheduleKey(name)]);
  return row ? seenSchedule(row) : { name };
}

export function seenSchedule(row: Row): SeenSchedule {
  const seen: SeenSchedule = { name: row.name as string, version: row.version as string };
  if (row.deletedAt === undefined) seen.record = readSchedule(row);
  return seen;
}

/** What stands in place of a deleted schedule, until no late request can bring it back. */
export function deletedScheduleRow(name: string, version: string, now: number): Row {
  return { kind: scheduleKind, name, version, deletedAt: now, ttl: Math.ceil((now + tombstoneMs) / 1000) };
}

/** What its messages hold; undefined where the schedule was replaced or deleted since it was read, or that can not be read. */
export async function contentOf(ctx: Context, { contents }: ScheduleRecord): Promise<Content | undefined> {
  const [read] = await readContents(ctx.store, [contents]);
  const content = read?.[0];
  return content?.unreadable === undefined ? content : undefined;
}
