/**
 * Publishes to a group: parcels, the group's row, and the markers of own ids and dedup keys, in one transaction. The row's `tail` only
 * grows, so parcels lie in the order of publishing, and none gets an id before a parcel that was taken. If nothing waits in the group, its
 * row becomes due.
 */

import type { PublishResult } from '../../contract/contract.ts';
import type { Context } from '../context/context.ts';
import { type RetryBudget, withRetry } from '../context/retry.ts';
import { readRow, type Snapshot } from '../leases/lease-store.ts';
import { removeLasting, withBodies } from '../leases/offloaded-bodies.ts';
import { removeChunks } from '../leases/removals.ts';
import { tailOf } from '../lifecycle/group-tail.ts';
import { groupPlace, laneOf } from '../model/group-row.ts';
import { type QueueRecord, writeDeadline } from '../model/queue-record.ts';
import { transactionWritesMax } from '../port/row-writes.ts';
import { untilDone } from '../port/until-done.ts';
import { targetOf } from '../queues/publish-target.ts';
import { type Appended, appendedTo, groupParcelsOf, groupWrites, readGroups, type SeenGroup } from './group-writes.ts';
import { markerIdOf, takenBy } from './markers.ts';
import type { Pending } from './parcels.ts';

/** The ids that each transaction of a publish gave to its messages, by the version that it wrote into each of its rows. */
type Attempts = Map<unknown, ReadonlyMap<Pending, string>>;

/** Publishes messages in order and records each result. Throws StoreError if the rest was not published, or may not have been. */
export async function publishGroup(
  ctx: Context,
  queueName: string,
  name: string,
  pending: readonly Pending[],
  results: PublishResult[],
  retryBudget: RetryBudget,
): Promise<void> {
  // If one call repeats an id, the first message is published and the others find it.
  const firsts = new Map(pending.toReversed().map((one) => [one.id ?? one, one]));
  const isFirst = (one: Pending) => firsts.get(one.id ?? one) === one;
  for (const batch of batchesOf(pending.filter(isFirst))) {
    const attempts: Attempts = new Map();
    const published = await withRetry(retryBudget, () => publishBatch(ctx, queueName, name, batch, attempts));
    for (const [{ index }, result] of published) results[index] = result;
  }
  for (const one of pending.filter((each) => !isFirst(each))) {
    const result = results[firsts.get(one.id!)!.index]!;
    results[one.index] = result.ok ? { ...result, duplicate: true } : result;
  }
}

/** Messages whose writes fit into one transaction: their parcels, their markers, and the group's row. */
function batchesOf(pending: readonly Pending[]): Pending[][] {
  const batches: Pending[][] = [];
  let writes = transactionWritesMax;
  for (const parcel of groupParcelsOf(pending)) {
    const more = 1 + parcel.filter(({ id }) => id !== undefined).length;
    if (writes + more > transactionWritesMax) {
      batches.push([]);
      writes = 1;
    }
    batches.at(-1)!.push(...parcel);
    writes += more;
  }
  return batches;
}

function publishBatch(
  ctx: Context,
  queueName: string,
  name: string,
  batch: readonly Pending[],
  attempts: Attempts,
): Promise<Map<Pending, PublishResult>> {
  const results = new Map<Pending, PublishResult>();
  return untilDone(
    `the ids of the group "${name}"`,
    batch,
    async (left) => {
      const { queue, readAt } = await targetOf(ctx, queueName);
      const rowId = groupPlace(queue, laneOf(queue, name, ctx.random));
      const [seen] = (await readGroups(ctx, [{ queue, rowId, messages: left }])) as [SeenGroup];
      for (const { row } of [seen.row, ...seen.markers.values()]) recordApplied(attempts, row?.version, results);
      const free: Pending[] = [];
      for (const one of left.filter((each) => !results.has(each))) {
        const markerId = markerIdOf(queue, one);
        const holder = markerId && takenBy(queue, one, seen.markers.get(markerId)!, ctx.clock.now());
        if (holder === undefined) free.push(one);
        else results.set(one, { ok: true, id: holder, duplicate: true });
      }
      if (free.length === 0) return { done: results };
      const appended = appendedTo(ctx, queue, { rowId, name }, groupParcelsOf(free));
      const version = await append(ctx, queue, appended, seen, attempts, readAt);
      if (version === undefined) return { seen: free };
      recordApplied(attempts, version, results);
      const rest = free.filter((one) => !results.has(one));
      return rest.length === 0 ? { done: results } : { seen: rest };
    },
    'throttled',
  );
}

/** A row with a version of this publish proves that the transaction was applied, even if its answer was lost. */
function recordApplied(attempts: Attempts, version: unknown, results: Map<Pending, PublishResult>): void {
  for (const [one, id] of attempts.get(version) ?? []) results.set(one, { ok: true, id });
}

/** Appends the messages. Answers the version of the transaction that was applied; undefined if an id or a key was taken meanwhile. */
async function append(
  ctx: Context,
  queue: QueueRecord,
  appended: Appended,
  first: SeenGroup,
  attempts: Attempts,
  readAt: number,
): Promise<unknown> {
  const { rowId, name } = appended;
  const bodies = appended.parcels.map(({ body }) => body);
  let refused = '';
  let tail = '';
  const withTail = (row: Snapshot): SeenGroup => {
    tail = tailOf(ctx, row);
    return { ...first, row };
  };
  const putAll = async (seen: SeenGroup) => {
    const now = ctx.clock.now();
    const { writes, version, last, ids, displaced } = groupWrites(ctx, queue, appended, seen);
    attempts.set(version, ids);
    const result = await ctx.store.transact(writes, writeDeadline(Math.min(readAt, seen.row.readAt)));
    if (result.ok) {
      await removeChunks(ctx, ...displaced);
      return { done: version };
    }
    const earlier = result.refused.find((one) => attempts.has(one?.row?.version));
    if (earlier) return { done: earlier.row!.version };
    const [inTheWay, ...others] = result.refused;
    if (others.some((one) => one !== undefined)) return { done: undefined };
    refused = last;
    return { seen: withTail(inTheWay ? { id: rowId, row: inTheWay.row, readAt: now } : await readRow(ctx, rowId)) };
  };
  const put = () => untilDone(`the group "${name}"`, withTail(first.row), putAll, 'throttled');
  // A delayed duplicate of a refused transaction may still be applied, until the group's tail is past it.
  const mayBeNamed = () => refused > tail;
  const version = await withBodies(ctx, bodies, writeDeadline(readAt), put, mayBeNamed);
  // The marker in the way refuses every copy of this transaction.
  if (version === undefined && !mayBeNamed()) await removeLasting(ctx, bodies);
  return version;
}
