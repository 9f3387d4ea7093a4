/**
 * Carries on the publications that their publishers have left: those that died, or had no time left. Rolls back prepared
 * publications that were not committed in time.
 */
import type { Context } from '../context/context.ts';
import type { Deadline } from '../context/deadline.ts';
import { sideBySide } from '../context/side-by-side.ts';
import type { SweepReport } from '../engine.ts';
import { groupBy } from '../model/group-by.ts';
import { ignoreStoreError, StoreError } from '../port/port.ts';
import { rollBack } from '../topics/prepared-publications.ts';
import { type PublicationRecord, publicationKey, publicationWrite, readPublication } from '../topics/publication-record.ts';
import { carryOn, publicationPages } from '../topics/publications.ts';

const atOnce = 8;
/** A publication takes seconds, or a few runs of the sweep. One that stands for longer than this needs an operator. */
const standingMsMax = 15 * 60_000;

export interface SweptPublications {
  /** Whether everything due was done before the deadline. */
  complete: boolean;
  topics: SweepReport['topics'];
}

export async function sweepPublications(ctx: Context, deadline: Deadline): Promise<SweptPublications> {
  const due: PublicationRecord[] = [];
  const delivering: PublicationRecord[] = [];
  for await (const records of publicationPages(ctx)) {
    const now = ctx.clock.now();
    delivering.push(...records.filter(({ state }) => state === 'delivering'));
    due.push(...records.filter(({ state, dueAt }) => (state === 'delivering' || state === 'prepared') && dueAt <= now));
  }
  let complete = true;
  let defect: { thrown: unknown } | undefined;
  const done = new Set<PublicationRecord>();
  // The publications of one topic go out in the order in which they began, for the sake of its groups. Prepared ones have no order.
  const inOrder = groupBy(due, ({ state, name, topicIncarnation }) => (state === 'prepared' ? name : topicIncarnation));
  const left = await sideBySide([...inOrder.values()], atOnce, deadline.isOver, async (records) => {
    try {
      for (const record of records) {
        if (await sweepPublication(ctx, record, deadline)) done.add(record);
        else complete = false;
      }
    } catch (error) {
      // A throttled queue or a damaged row of one topic must not stop the others.
      complete = false;
      if (!(error instanceof StoreError)) defect ??= { thrown: error };
    }
  });
  const standing = due.filter((record) => record.state === 'delivering' && !done.has(record));
  await noteStanding(ctx, standing);
  reportOverdue(ctx, standing);
  if (defect) throw defect.thrown;
  const undelivered = delivering.filter((record) => !done.has(record));
  return { complete: complete && left.length === 0, topics: undeliveredOf(undelivered, ctx.clock.now()) };
}

/** Sums up publications by topic. */
function undeliveredOf(records: readonly PublicationRecord[], now: number): SweepReport['topics'] {
  return [...groupBy(records, ({ topic }) => topic)].map(([name, ofTopic]) => {
    // Not `startedAt`: a caller's own transaction may commit long after it.
    const oldest = Math.min(...ofTopic.map(({ leftAt = now }) => leftAt));
    return { name, undelivered: ofTopic.length, oldestAgeSeconds: Math.max(0, now - oldest) / 1000 };
  });
}

/** Notes when a sweep first left a publication standing. A step that another process makes at the same time comes first. */
async function noteStanding(ctx: Context, records: readonly PublicationRecord[]): Promise<void> {
  const now = ctx.clock.now();
  const unnoted = records.filter(({ leftAt }) => leftAt === undefined);
  if (unnoted.length === 0) return;
  try {
    const rows = await ctx.store.get(unnoted.map(({ name }) => publicationKey(name)));
    for (const record of rows.flatMap((row) => (row ? [readPublication(row)] : []))) {
      await ctx.store.write(publicationWrite(record, { ...record, leftAt: now, version: ctx.newVersion() }));
    }
  } catch (error) {
    ignoreStoreError(error);
  }
}

function reportOverdue(ctx: Context, records: readonly PublicationRecord[]): void {
  const leftBefore = ctx.clock.now() - standingMsMax;
  for (const { leftAt, name, topic } of records) {
    if (leftAt === undefined || leftAt > leftBefore) continue;
    ctx.observe?.({ kind: 'anomaly', what: 'a publish to a topic does not reach all its subscriptions', topic, row: name });
  }
}

async function sweepPublication(ctx: Context, record: PublicationRecord, deadline: Deadline): Promise<boolean> {
  if (record.state === 'delivering') return carryOn(ctx, record, deadline.isOver);
  if (await rollBack(ctx, record)) {
    ctx.observe?.({ kind: 'rolled_back', topic: record.topic, row: record.name, asked: 0 });
  }
  return true;
}
