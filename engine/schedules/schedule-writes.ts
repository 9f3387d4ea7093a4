/**
 * Writes a schedule. One transaction puts the messages of its ticks into `leases` and takes back unwanted messages published
 * ahead. It also replaces the schedule's row, on the condition that its version is unchanged. Of two transactions based on the
 * same version one is refused. So each tick has exactly one message, even after crashes and repeated requests.
 */
import { defined } from '../../contract/defined.ts';
import { callBytesMax, scheduleTicksMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { createRetryBudget } from '../context/retry.ts';
import { decodeSnapshot, readRows } from '../leases/lease-store.ts';
import { publishedRow } from '../leases/new-lease-row.ts';
import { type OffloadedBody, removeLasting, withBodies } from '../leases/offloaded-bodies.ts';
import { attributesWith, bodyTtl, type Content, encodeContent, joinEntries, storeContent } from '../model/content-codec.ts';
import { levelIn, randomShard, retentionEndAfter, shardKey, writeDeadline } from '../model/queue-record.ts';
import { encodeLease } from '../model/row-codec.ts';
import { roomForContents } from '../model/row-room.ts';
import { absentAt, leaseKey } from '../model/rows.ts';
import { type Condition, StoreError, type Write, type WriteOptions } from '../port/port.ts';
import { untilDone } from '../port/until-done.ts';
import type { Target } from '../queues/publish-target.ts';
import { takingBack } from './lost-ticks.ts';
import {
  type Ahead,
  deletedScheduleRow,
  type ScheduleRecord,
  type ScheduleSnapshot,
  scheduleKey,
  scheduleRow,
} from './schedule-record.ts';
import { type Plan, planTicks, type Recurrence } from './ticks.ts';

/** The ticks to publish now: at most `max`, and no more than one transaction carries, counting offloaded bodies. */
export function schedulePlan(
  record: Pick<ScheduleRecord, 'nextAt' | 'missed' | 'ahead'>,
  timing: Recurrence,
  content: Content,
  now: number,
  max = scheduleTicksMax,
): Plan {
  const fitting = Math.floor(callBytesMax / Buffer.byteLength(encodeContent(content)));
  return planTicks(timing, record, now, Math.max(1, Math.min(max, fitting)));
}

export interface Published {
  writes: Write[];
  /** The ticks that are not due yet. */
  ahead: Ahead[];
  /** Offloaded bodies, to be stored before the rows. */
  bodies: OffloadedBody[];
}

/** Returns the writes that publish the messages of these ticks. Writes nothing itself. */
export function publishTicks(
  ctx: Context,
  record: Pick<ScheduleRecord, 'name' | 'level'>,
  content: Content,
  ticks: readonly number[],
  target: Target | undefined,
): Published {
  const now = ctx.clock.now();
  const published: Published = { writes: [], ahead: [], bodies: [] };
  if (!target) return published;
  const { queue } = target;
  const room = (id: string) => roomForContents(1, id.length, queue.backoff, queue.deadLetter !== null);
  for (const tick of ticks) {
    const shard = randomShard(queue, ctx.random);
    const level = levelIn(queue, record.level);
    const id = ctx.ids.parcel(shard, level);
    const attributes = attributesWith(content.attributes, { schedule: record.name, tick: new Date(tick).toISOString() });
    const encoded = encodeContent({ ...content, attributes });
    const { content: stored, chunks } = storeContent(joinEntries([encoded]), room(id), () => ctx.ids.parcel(shard));
    // The message counts as published at its tick, so a purge before the tick leaves it.
    const visibleAt = Math.max(now, tick);
    const retentionEnd = retentionEndAfter(queue, visibleAt);
    const row = { id, shard: shardKey(queue, shard, level), count: 1, since: visibleAt, visibleAt, content: stored };
    const lease = publishedRow(ctx, queue, row);
    published.writes.push({ key: leaseKey(id), when: absentAt(now), then: { put: encodeLease(lease) } });
    published.bodies.push({ content: stored, chunks, ttl: retentionEnd && bodyTtl(retentionEnd) });
    if (tick > now) published.ahead.push({ id, tick, incarnation: queue.incarnation });
  }
  return published;
}

/** Returns the writes that cancel unreceived messages of future ticks, and the ticks of `ahead` that are kept. */
export async function takeBack(ctx: Context, { ahead }: ScheduleRecord): Promise<{ writes: Write[]; kept: Ahead[] }> {
  const now = ctx.clock.now();
  const writes: Write[] = [];
  const kept: Ahead[] = [];
  const seen = await readRows(
    ctx,
    ahead.map(({ id }) => id),
  );
  for (const [index, one] of seen.entries()) {
    const [slot] = decodeSnapshot(one, now).lease?.slots ?? [];
    const waits = slot && !slot.end && slot.receives === 0 && slot.visibleAt > now;
    if (waits) writes.push(...takingBack(ctx, one, now));
    else kept.push(ahead[index]!);
  }
  return { writes, kept };
}

/** The progress of a schedule once these ticks are published. `kept`: earlier ticks of `ahead` that were not taken back. */
export function progress(
  before: ScheduleRecord | undefined,
  kept: readonly Ahead[],
  { ticks, nextAt }: Plan,
  { ahead }: Published,
  now: number,
): Pick<ScheduleRecord, 'nextAt' | 'lastAt' | 'ahead'> {
  const passed = [...kept.map(({ tick }) => tick), ...ticks].filter((tick) => tick <= now);
  const lastAt = Math.max(before?.lastAt ?? 0, ...passed);
  // Keep published ticks from `nextAt` on in `ahead`, so that the next plan does not publish them twice.
  const still = kept.filter(({ tick }) => tick > now || (nextAt !== undefined && tick >= nextAt));
  return defined({ ahead: [...still, ...ahead].sort((a, b) => a.tick - b.tick), nextAt, lastAt: lastAt || undefined });
}

export interface ScheduleChange {
  before: ScheduleSnapshot;
  /** Undefined to delete the schedule. */
  next: ScheduleRecord | undefined;
  /** Writes of the same transaction: messages published and taken back. */
  writes: readonly Write[];
  /** Offloaded bodies: stored before the rows, and removed if the rows are certain never to be written. */
  bodies?: readonly OffloadedBody[];
}

/** `refused`: the change will never apply. `unknown`: it may still apply, or it applied and the schedule changed again since. */
export type CommitOutcome = 'made' | 'refused' | 'unknown';

/** Applies the change if the schedule's version is unchanged. Rejects if the store failed; a retry may succeed. */
export async function commitSchedule(ctx: Context, change: ScheduleChange, by: WriteOptions): Promise<CommitOutcome> {
  const { bodies = [] } = change;
  const outcome = await withBodies(ctx, bodies, by, () => transacted(ctx, change, by));
  if (outcome === 'refused') await removeLasting(ctx, bodies);
  return outcome;
}

async function transacted(ctx: Context, { before, next, writes }: ScheduleChange, by: WriteOptions): Promise<CommitOutcome> {
  const { name } = before;
  const key = scheduleKey(name);
  const row = next ? scheduleRow(next) : deletedScheduleRow(name, ctx.newVersion(), ctx.clock.now());
  const when: Condition = before.version === undefined ? { absent: ['name'] } : { equals: [['version'], before.version] };
  try {
    const { ok } = await ctx.store.transact([{ key, when, then: { put: row } }, ...writes], by);
    return ok ? 'made' : 'refused';
  } catch (error) {
    if (!(error instanceof StoreError) || (error.applied === 'no' && ctx.clock.now() <= by.by!)) throw error;
    const [now] = await ctx.store.get([key]).catch((unread: unknown) => {
      // Rethrow the transaction's error: a failed read has `applied: 'no'`, but the transaction may have been applied.
      throw unread instanceof StoreError ? error : unread;
    });
    if (now?.version === row.version) return 'made';
    return error.applied === 'no' ? 'refused' : 'unknown';
  }
}

/** Calls `change` until it does not return undefined, which says that another change of the schedule came first. */
export function untilChanged<T>(ctx: Context, name: string, change: () => Promise<T | undefined>): Promise<T> {
  const retryBudget = createRetryBudget(ctx);
  return untilDone(`the schedule "${name}"`, undefined, async () => {
    try {
      const done = await change();
      return done === undefined ? { seen: undefined } : { done };
    } catch (error) {
      // Another process may be writing the schedule's row, or a message that this change takes back.
      if (!(error instanceof StoreError) || error.applied !== 'no' || !(await retryBudget.pause())) throw error;
      return { seen: undefined };
    }
  });
}

/** The deadline of a write that depends on several reads: the deadline of the earliest of them. */
export function earliestDeadline(...readAts: number[]): { by: number } {
  return writeDeadline(Math.min(...readAts));
}
