/**
 * Schedules: the folder that stores schedules and plans and publishes their ticks. Open this file first.
 * Defines the record of a schedule, a row of `queues`: its rule, the message that each tick publishes, and its progress.
 */
import type { MissedTicks, Schedule } from '../../contract/contract.ts';
import { defined } from '../../contract/defined.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { tombstoneMs } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import {
  type Content,
  decodeStoredContent,
  encodeStoredContent,
  readContents,
  type StoredContent,
} from '../model/content-codec.ts';
import type { Key, Row } from '../port/port.ts';
import { cronTiming } from './cron.ts';
import { type Recurrence, rateTiming, within } from './ticks.ts';

export const scheduleKind = 'schedule';

/** Bytes of message content that the row may hold. Larger content is offloaded, because every tick writes the row. */
export const contentsInRowBytesMax = 512;

/** When ticks fall due. `anchor`: the instant of the first tick of a rate, ms. */
export type Rule = { cron: string; timeZone: string } | { everySeconds: number; anchor: number };

/** A message that was published before its tick fell due. */
export interface Ahead {
  /** Id of the message's row in `leases`. */
  id: string;
  tick: number;
  /** Incarnation of the queue that it was published to. A queue recreated under that name does not hold the message. */
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
  content: StoredContent;
  /** The priority of its messages. */
  level: number;
  /** The first tick not yet published. Absent if the schedule is paused or over. */
  nextAt?: number;
  /** The last tick published, apart from those in `ahead`. */
  lastAt?: number;
  /** Published ticks that were not yet due when the row was written, or are not before `nextAt`. In order of tick. */
  ahead: Ahead[];
  error?: { at: number; message: string };
  createdAt: number;
  updatedAt: number;
  version: string;
}

export function scheduleKey(name: string): Key {
  return { table: 'queues', kind: scheduleKind, name };
}

export function scheduleRow({ rule, content, ahead, error, ...plain }: ScheduleRecord): Row {
  const row: Row = { ...plain, kind: scheduleKind, rule: { ...rule }, ...encodeStoredContent(content) };
  if (ahead.length > 0)
    row.ahead = ahead.map(({ id, tick, incarnation }) => [id, tick, ...(incarnation === undefined ? [] : [incarnation])]);
  if (error) row.error = { ...error };
  return row;
}

function readSchedule(row: Row): ScheduleRecord {
  const { kind: _, bodies: __, beside: ___, chunks: ____, size: _____, ahead = [], ...fields } = row;
  const published = (ahead as [string, number, string?][]).map(([id, tick, incarnation]) => defined({ id, tick, incarnation }));
  return { ...fields, content: decodeStoredContent(row), ahead: published } as unknown as ScheduleRecord;
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

/** Throws DumbwaiterError `invalid_input` if the cron expression or the time zone is not valid. */
export async function recurrenceOf({ rule }: Pick<ScheduleRecord, 'rule'>): Promise<Recurrence> {
  return 'cron' in rule ? cronTiming(rule.cron, rule.timeZone) : rateTiming(rule.everySeconds, rule.anchor);
}

export async function boundedTimingOf(record: Pick<ScheduleRecord, 'rule' | 'startAt' | 'endAt'>): Promise<Recurrence> {
  return within(await recurrenceOf(record), record);
}

export function scheduleNotFound(name: string): DumbwaiterError {
  return new DumbwaiterError('schedule_not_found', `name: there is no schedule "${name}"`);
}

/** What is stored under a name. `version` is absent if there is no row. `record` is absent if the schedule was deleted. */
export interface ScheduleSnapshot {
  name: string;
  version?: string;
  record?: ScheduleRecord;
}

export async function findSchedule(ctx: Context, name: string): Promise<ScheduleSnapshot> {
  const [row] = await ctx.store.get([scheduleKey(name)]);
  return row ? decodeSchedule(row) : { name };
}

export function decodeSchedule(row: Row): ScheduleSnapshot {
  const seen: ScheduleSnapshot = { name: row.name as string, version: row.version as string };
  if (row.deletedAt === undefined) seen.record = readSchedule(row);
  return seen;
}

/** The row that replaces a deleted schedule, kept until no delayed duplicate of a request can recreate it. */
export function deletedScheduleRow(name: string, version: string, now: number): Row {
  return { kind: scheduleKind, name, version, deletedAt: now, ttl: Math.ceil((now + tombstoneMs) / 1000) };
}

/** The content of its messages. Undefined if it cannot be read, or if the schedule was changed or deleted since it was read. */
export async function scheduleContent(ctx: Context, record: ScheduleRecord): Promise<Content | undefined> {
  const [read] = await readContents(ctx.store, [record.content]);
  const content = read?.[0];
  return content?.unreadable === undefined ? content : undefined;
}
