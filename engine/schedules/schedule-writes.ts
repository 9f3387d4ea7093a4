/**
 * Writing a schedule. One transaction puts the messages of its ticks into `leases`, takes back those that were published ahead and are no
 * longer wanted, and moves the schedule's own row on, if that is as it was read. So a tick has exactly one message, whoever dies where
 * and however often a request arrives: of two that rest on the same row one is refused.
 */
import { callBytesMax, scheduleTicksMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { decodeSnapshot, endedRow, readRows } from '../leases/lease-store.ts';
import { unreceived } from '../leases/new-lease.ts';
import { type OffloadedBody, removeLasting, withBodies } from '../leases/offloaded-bodies.ts';
import { attributesWith, type Content, joinEntries, keptUntil, packEntry, place } from '../model/content-codec.ts';
import { retentionEnd, writeDeadline } from '../model/queue-record.ts';
import { encodeLease, roomForContents } from '../model/row-codec.ts';
import { absentAt, leaseKey } from '../model/rows.ts';
import { levelIn, randomShard, shardKey } from '../model/shards.ts';
import { type Condition, StoreError, type Write, type WriteOptions } from '../port/port.ts';
import type { Target } from '../queues/publish-target.ts';
import {
  type Ahead,
  deletedScheduleRow,
  type ScheduleRecord,
  type SeenSchedule,
  scheduleKey,
  scheduleRow,
} from './schedule-record.ts';
import { type Plan, planTicks, type Recurrence } from './ticks.ts';

/** The ticks to publish now: `max` at most, and as many as one transaction carries, bodies beside their rows counted. */
export function planOf(
  record: Pick<ScheduleRecord, 'nextAt' | 'missed' | 'ahead'>,
  timing: Recurrence,
  content: Content,
  now: number,
  max = scheduleTicksMax,
): Plan {
  const atOnce = Math.floor(callBytesMax / Buffer.byteLength(packEntry(content)));
  return planTicks(timing, record, now, Math.max(1, Math.min(max, atOnce)));
}

export interface Published {
  writes: Write[];
  /** Those not due yet. */
  ahead: Ahead[];
  /** What is to lie beside their rows. */
  bodies: OffloadedBody[];
}

/** The messages of these ticks, as writes still to be made. */
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
    const packed = packEntry({ ...content, attributes });
    const { placed, chunks } = place(joinEntries([packed]), room(id), () => ctx.ids.parcel(shard));
    // As if published at its tick: a purge before that leaves it.
    const visibleAt = Math.max(now, tick);
    const expiresAt = retentionEnd(queue, visibleAt);
    const at = shardKey(queue, shard, level);
    const lease = unreceived(ctx, queue, { id, at, count: 1, now: visibleAt, visibleAt, placed });
    published.writes.push({ key: leaseKey(id), when: absentAt(now), then: { put: encodeLease(lease) } });
    published.bodies.push({ placed, chunks, ttl: expiresAt && keptUntil(expiresAt) });
    if (tick > now) published.ahead.push({ id, tick, incarnation: queue.incarnation });
  }
  return published;
}

/** The messages of ticks to come that nobody has received, as writes that end them; and which others there are. */
export async function takeBack(ctx: Context, { ahead }: ScheduleRecord): Promise<{ writes: Write[]; kept: Ahead[] }> {
  const now = ctx.clock.now();
  const writes: Write[] = [];
  const kept: Ahead[] = [];
  const seen = await readRows(
    ctx,
    ahead.map(({ id }) => id),
  );
  for (const [index, one] of seen.entries()) {
    const { lease } = decodeSnapshot(one, now);
    const [slot] = lease?.slots ?? [];
    const waits = slot && !slot.end && slot.receives === 0 && slot.visibleAt > now;
    if (!lease || !waits) {
      kept.push(ahead[index]!);
      continue;
    }
    const ended = { ...lease, slots: [{ ...slot, end: 'cancelled' as const }] };
    writes.push({
      key: leaseKey(lease.id),
      when: { equals: [['version'], lease.version] },
      then: { put: endedRow(ended, ctx.newVersion(), now) },
    });
  }
  return { writes, kept };
}

/** How far a schedule is once these ticks are published; `kept` of those before still stand. */
export function progress(
  before: ScheduleRecord | undefined,
  kept: readonly Ahead[],
  { ticks, nextAt }: Plan,
  { ahead }: Published,
  now: number,
): Pick<ScheduleRecord, 'nextAt' | 'lastAt' | 'ahead'> {
  const passed = [...kept.map(({ tick }) => tick), ...ticks].filter((tick) => tick <= now);
  const lastAt = Math.max(before?.lastAt ?? 0, ...passed);
  // Of ticks that are still to be planned some may have been kept: until then it has to be known which.
  const still = kept.filter(({ tick }) => tick > now || (nextAt !== undefined && tick >= nextAt));
  return {
    ahead: [...still, ...ahead].sort((a, b) => a.tick - b.tick),
    ...(nextAt === undefined ? {} : { nextAt }),
    ...(lastAt === 0 ? {} : { lastAt }),
  };
}

export interface ScheduleChange {
  before: SeenSchedule;
  /** Undefined: it is deleted. */
  next: ScheduleRecord | undefined;
  /** Messages put and taken back with it. */
  writes: readonly Write[];
  /** What is to lie beside the rows: put before them, and removed where they surely will not be. */
  bodies?: readonly OffloadedBody[];
}

/** `refused`: it never will be made. `unknown`: it may yet be made, or was, and the schedule has changed again since. */
export type Outcome = 'made' | 'refused' | 'unknown';

/** Makes the change if the schedule is as it was read. Rejects where the store did not do as asked, and may when asked again. */
export async function commitSchedule(ctx: Context, change: ScheduleChange, by: WriteOptions): Promise<Outcome> {
  const { bodies = [] } = change;
  const outcome = await withBodies(ctx, bodies, by, () => transacted(ctx, change, by));
  if (outcome === 'refused') await removeLasting(ctx, bodies);
  return outcome;
}

async function transacted(ctx: Context, { before, next, writes }: ScheduleChange, by: WriteOptions): Promise<Outcome> {
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
      // A read that failed did nothing for certain; of the transaction that is not to be said.
      throw unread instanceof StoreError ? error : unread;
    });
    if (now?.version === row.version) return 'made';
    return error.applied === 'no' ? 'refused' : 'unknown';
  }
}

/** The earliest of two reads, by which what rests on both must go out. */
export function earliestDeadline(...readAts: number[]): { by: number } {
  return writeDeadline(Math.min(...readAts));
}
