/** Creates and changes schedules: compares the request with the stored row and applies all its effects in one transaction. */
import type { MissedTicks, Schedule } from '../../contract/contract.ts';
import { defined } from '../../contract/defined.ts';
import { DumbwaiterError, invalidInput } from '../../contract/errors.ts';
import type { Context } from '../context/context.ts';
import { removeChunks } from '../leases/removals.ts';
import { type Content, encodeContent, joinEntries, storeContent } from '../model/content-codec.ts';
import { refusalIn } from '../publish/requested-options.ts';
import { type Target, targetOf } from '../queues/publish-target.ts';
import { withoutLost } from './lost-ticks.ts';
import {
  contentsInRowBytesMax,
  describeSchedule,
  findSchedule,
  type Rule,
  recurrenceOf,
  type ScheduleRecord,
  scheduleContent,
} from './schedule-record.ts';
import {
  commitSchedule,
  earliestDeadline,
  progress,
  publishTicks,
  schedulePlan,
  takeBack,
  untilChanged,
} from './schedule-writes.ts';
import { within } from './ticks.ts';

/** A schedule as the caller defines it. */
export interface Definition {
  queue: string;
  rule: { cron: string; timeZone: string } | { everySeconds: number };
  startAt: number | undefined;
  endAt: number | undefined;
  missed: MissedTicks;
  paused: boolean;
  level: number;
  /** Undefined: the caller keeps the former content, and that content is gone. */
  content: Content | undefined;
}

/** Stores the definition that `change` returns for the current one. Throws DumbwaiterError `invalid_input` if it is not valid. */
export function changeSchedule(
  ctx: Context,
  name: string,
  change: (before: Definition | undefined) => Definition,
): Promise<Schedule> {
  return untilChanged(ctx, name, () => changeOnce(ctx, name, change));
}

/** Returns undefined if another change came first. */
async function changeOnce(
  ctx: Context,
  name: string,
  change: (before: Definition | undefined) => Definition,
): Promise<Schedule | undefined> {
  // A skewed clock would treat future ticks as past.
  if (!ctx.clock.trusted()) throw new DumbwaiterError('clock_skewed', 'the clock of the process that serves this call is off');
  const readAt = ctx.clock.now();
  const seen = await findSchedule(ctx, name);
  const { record: before, writes: lost } = seen.record ? await withoutLost(ctx, seen.record) : { record: undefined, writes: [] };
  const former = before && definitionOf(before, await scheduleContent(ctx, before));
  const asked = change(former);
  const { startAt, endAt, content, level, missed, paused } = asked;
  // A concurrent change of the schedule removed its former content.
  if (!content) return undefined;
  if (before && former && same(former, asked)) return describeSchedule(before, content, readAt);

  if (startAt !== undefined && endAt !== undefined && endAt <= startAt)
    throw invalidInput(`endAt: must be later than startAt, was ${new Date(endAt).toISOString()}`);
  const rule = ruleOf(asked, before, readAt);
  const always = await recurrenceOf({ rule });
  if (always.next(readAt) === undefined) throw invalidInput(`cron: never falls due, was ${shown(rule)}`);
  const target = await targetFor(ctx, asked, former);

  const taken = before ? await takeBack(ctx, before) : { writes: [], kept: [] };
  const timing = within(always, defined({ startAt, endAt }));
  const isOverdue = former && sameTiming(former, asked) && before?.nextAt !== undefined && before.nextAt <= readAt;
  // A process with a clock ahead of this one may have published ticks that are still in the future here.
  const published = Math.max(readAt, before?.lastAt ?? 0);
  const nextAt = paused ? undefined : isOverdue ? before.nextAt : timing.next(published);
  const plan = target
    ? schedulePlan({ ...defined({ nextAt }), missed, ahead: taken.kept }, timing, content, readAt)
    : { ticks: [], nextAt };
  const ticks = publishTicks(ctx, { name, level }, content, plan.ticks, target);

  const stored = sameContent(former?.content, content)
    ? undefined
    : storeContent(joinEntries([encodeContent(content)]), contentsInRowBytesMax, () => ctx.ids.parcel(0));
  const by = earliestDeadline(readAt, ...(target ? [target.readAt] : []));
  const next: ScheduleRecord = {
    name,
    queue: asked.queue,
    rule,
    ...defined({ startAt, endAt }),
    missed,
    paused,
    content: stored?.content ?? before!.content,
    level,
    ...progress(before, taken.kept, plan, ticks, readAt),
    createdAt: before?.createdAt ?? readAt,
    updatedAt: readAt,
    version: ctx.newVersion(),
  };
  const bodies = [...ticks.bodies, ...(stored ? [{ ...stored, ttl: undefined }] : [])];
  const outcome = await commitSchedule(
    ctx,
    { before: seen, next, writes: [...lost, ...taken.writes, ...ticks.writes], bodies },
    by,
  );
  if (outcome !== 'made') return undefined;
  if (stored && before) await removeChunks(ctx, before.content);
  ctx.wakeups.wake(asked.queue);
  return describeSchedule(next, content, readAt);
}

function definitionOf(record: ScheduleRecord, content: Content | undefined): Definition {
  const { queue, rule, startAt, endAt, missed, paused, level } = record;
  const asked = 'cron' in rule ? rule : { everySeconds: rule.everySeconds };
  return { queue, rule: asked, startAt, endAt, missed, paused, level, content };
}

function shown(rule: Rule): string {
  return 'cron' in rule ? JSON.stringify(rule.cron) : `${rule.everySeconds} s`;
}

function sameRule(a: Definition, b: Definition): boolean {
  if ('cron' in a.rule) return 'cron' in b.rule && a.rule.cron === b.rule.cron && a.rule.timeZone === b.rule.timeZone;
  return 'everySeconds' in b.rule && a.rule.everySeconds === b.rule.everySeconds;
}

function sameTiming(a: Definition, b: Definition): boolean {
  return sameRule(a, b) && a.startAt === b.startAt && a.endAt === b.endAt && a.paused === b.paused;
}

function same(a: Definition, b: Definition): boolean {
  const isSamePlace = a.queue === b.queue && a.missed === b.missed && a.level === b.level;
  return isSamePlace && sameTiming(a, b) && sameContent(a.content, b.content);
}

function sameContent(a: Content | undefined, b: Content | undefined): boolean {
  return a !== undefined && b !== undefined && encodeContent(a) === encodeContent(b);
}

/** A rate keeps its anchor unless `everySeconds` or `startAt` changes. */
function ruleOf(asked: Definition, before: ScheduleRecord | undefined, now: number): Rule {
  const { rule, startAt } = asked;
  if ('cron' in rule) return rule;
  const former = before?.rule;
  const keepsAnchor = former && 'anchor' in former && former.everySeconds === rule.everySeconds && before.startAt === startAt;
  return { everySeconds: rule.everySeconds, anchor: keepsAnchor ? former.anchor : (startAt ?? now) };
}

/**
 * Returns undefined if the queue is gone and the caller changed neither the queue nor the priority: other changes, for example a
 * pause, are still allowed.
 */
async function targetFor(ctx: Context, asked: Definition, former: Definition | undefined): Promise<Target | undefined> {
  const isNamed = former?.queue !== asked.queue || former.level !== asked.level;
  try {
    const target = await targetOf(ctx, asked.queue);
    const refusal = isNamed ? refusalIn(target.queue, { priority: asked.level }, ctx.clock.now()) : undefined;
    if (refusal !== undefined) throw invalidInput(`message.${refusal}`);
    return target;
  } catch (error) {
    if (!(error instanceof DumbwaiterError) || error.code !== 'queue_not_found') throw error;
    if (!isNamed) return undefined;
    throw invalidInput(`queue: there is no queue "${asked.queue}"; create it first`);
  }
}
