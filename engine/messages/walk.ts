/** Walks the messages of a queue row by row and selects some of them, within a budget of reads: for peek. */
import { headRowsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { decodeSnapshot, readRow } from '../leases/lease-store.ts';
import { holdsDeadLetters } from '../model/group-row.ts';
import { incarnationOf, type QueueRecord } from '../model/queue-record.ts';
import type { Group } from '../model/rows.ts';
import type { Row } from '../port/port.ts';
import type { Filter } from './filter.ts';
import { type Sighting, type Sightings, sightLeases, sightParcels, sightWaiting, withoutOverridden } from './list.ts';
import { nextPartition, type Place, partitionOf, rowsAt } from './scan.ts';
import { fittingContents, fittingRows, type Selection } from './selection.ts';

/** What a walk may still read: rows, and bytes of offloaded bodies. One read may exceed it. */
export interface Budget {
  rows: number;
  bytes: number;
}

/** One row: its slots, those of them that are selected, and the place after it. */
export interface Step {
  slots: readonly number[];
  messages: readonly Sighting[];
  after: Place | undefined;
}

/** Index rows that are skipped by their keys cost a tenth of a row that is read. */
const keysPerRow = 10;

const isSpent = ({ rows, bytes }: Budget) => rows <= 0 || bytes <= 0;

/** Walks from a place until the queue ends or the budget is spent. The place after the last step is where to go on. */
export async function* walk(
  ctx: Context,
  queue: QueueRecord,
  start: Place,
  selection: Selection,
  budget: Budget,
): AsyncGenerator<Step> {
  const { state, filter } = selection;
  // Messages that wait in a group are ready, unless they are delayed or dead themselves.
  const readsWaiting = (group: Group) =>
    state === undefined || state === 'ready' || state === 'delayed' || (state === 'dead' && holdsDeadLetters(group));
  let place: Place | undefined = start;
  if (start.waiting !== undefined) {
    const { waiting, ...row } = start;
    place = { ...row, skip: 0 };
    yield* walkGroup(ctx, queue, start, place, await groupOf(ctx, queue, start), selection, budget);
  }
  while (place && !isSpent(budget)) {
    const here: Place = place;
    const bounds = here.table === 'messages' && filter ? filter.parcels(partitionOf(queue, here)) : {};
    place = nextPartition(queue, here);
    if (!bounds) continue;
    const { rows, next } = await rowsAt(ctx, queue, here, Math.min(headRowsMax, Math.ceil(budget.rows)), bounds);
    const read = here.table === 'messages' || !filter ? rows.length : rows.filter(filter.mayHold).length;
    budget.rows -= Math.max(1, read + (rows.length - read) / keysPerRow);
    if (next) place = { ...here, after: next, skip: 0 };
    const sighted = await (here.table === 'messages' ? sightParcels : sightHeld)(ctx, queue, rows, filter);
    const selected = await selectFrom(ctx, sighted, selection, budget);
    const shown = here.table === 'messages' ? await withoutOverridden(ctx, selected) : selected;
    for (const [index, { row, messages }] of shown.entries()) {
      const { group, messages: all } = sighted[index]!;
      const after = index < rows.length - 1 ? { ...here, after: row, skip: 0 } : place;
      const slots = all.map(({ slot }) => slot);
      if (!group || !readsWaiting(group)) yield { slots, messages, after };
      else {
        const first: Place = { ...here, after: row, waiting: group.head, skip: 0 };
        yield { slots, messages, after: first };
        yield* walkGroup(ctx, queue, first, after, group, selection, budget);
        if (isSpent(budget)) return;
      }
    }
    if (shown.length < rows.length) return;
    if (rows.length === 0) yield { slots: [], messages: [], after: place };
  }
}

/** Rows of the index of `leases`. Those that hold no message that fits are not read. */
async function sightHeld(
  ctx: Context,
  queue: QueueRecord,
  rows: readonly Row[],
  filter: Filter | undefined,
): Promise<readonly Sightings[]> {
  const read = filter ? rows.filter((row) => filter.mayHold(row)) : rows;
  const sighted = new Map((await sightLeases(ctx, queue, read)).map((one) => [one.row.id, one]));
  return rows.map((row) => {
    const { id, shard, expiry } = row as { id: string; shard: string; expiry: number };
    return sighted.get(id) ?? { row: { id, shard, expiry }, messages: [] };
  });
}

/** The group in whose waiting messages a page begins, if it still has some. */
async function groupOf(ctx: Context, queue: QueueRecord, { after }: Place): Promise<Group | undefined> {
  const { lease } = decodeSnapshot(await readRow(ctx, after!.id as string), ctx.clock.now());
  return lease?.kind === 'group' && incarnationOf(lease.shard) === queue.incarnation ? lease.group : undefined;
}

/** Walks the messages that wait in a group, from `start` on. `end`: the place after the group. */
async function* walkGroup(
  ctx: Context,
  queue: QueueRecord,
  start: Place,
  end: Place | undefined,
  group: Group | undefined,
  selection: Selection,
  budget: Budget,
): AsyncGenerator<Step> {
  let after = group && start.waiting! < group.head ? group.head : start.waiting!;
  for (let hasMore = group !== undefined; group && hasMore; ) {
    if (isSpent(budget)) return;
    const partition = start.after!.id as string;
    const { rows, more } = await sightWaiting(ctx, queue, partition, group, after, selection.filter?.waitingFrom);
    budget.rows -= Math.max(1, rows.length);
    const selected = await selectFrom(ctx, rows, selection, budget);
    for (const [index, { row, messages }] of selected.entries()) {
      after = row.id as string;
      const slots = rows[index]!.messages.map(({ slot }) => slot);
      yield { slots, messages, after: { ...start, waiting: after, skip: 0 } };
    }
    if (selected.length < rows.length) return;
    hasMore = more && rows.length > 0;
  }
  yield { slots: [], messages: [], after: end };
}

/** The rows with their selected messages. The rows after the last one for whose contents the budget suffices are left out. */
async function selectFrom(
  ctx: Context,
  rows: readonly Sightings[],
  selection: Selection,
  budget: Budget,
): Promise<readonly Sightings[]> {
  const fitting = fittingRows(rows, selection);
  if (!selection.filter?.fitsContent) return fitting;
  const cut = fitting.findIndex(({ messages }) => {
    if (budget.bytes <= 0) return true;
    for (const content of new Set(messages.map((one) => one.content))) if ('offloaded' in content) budget.bytes -= content.size;
    return false;
  });
  return fittingContents(ctx, cut < 0 ? fitting : fitting.slice(0, cut), selection.filter.fitsContent);
}
