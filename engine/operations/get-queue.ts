/** Reads a queue's settings and counts its messages with a bounded number of reads. `atLeast` marks incomplete counts. */
import type { Counts, OutputOf } from '../../contract/contract.ts';
import { countRowsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { type Sighting, type Sightings, sightLeases, sightParcels, sightWaiting, withoutOverridden } from '../messages/list.ts';
import { describeQueue, partitionsOf, preparedPartitionsOf, type QueueRecord } from '../model/queue-record.ts';
import type { Range, Row } from '../port/port.ts';

export async function getQueue(ctx: Context, name: string): Promise<OutputOf<'getQueue'>> {
  const queue = await ctx.settings.read(name);
  return { ...describeQueue(queue), counts: await countMessages(ctx, queue) };
}

/** Groups whose waiting messages are read in parallel. */
const groupsAtOnce = 10;

/** Reads up to `countRowsMax` rows of each table and shard, and about as many rows that wait in the shard's groups. */
export async function countMessages(ctx: Context, queue: QueueRecord): Promise<Counts> {
  const counts: Counts = { ready: 0, delayed: 0, leased: 0, dead: 0, prepared: 0, oldestAgeSeconds: null, atLeast: false };
  let oldest = Number.POSITIVE_INFINITY;
  for (const partition of [...partitionsOf(queue), ...preparedPartitionsOf(queue)]) {
    const [parcels, leases] = await Promise.all([
      upTo(ctx, { table: 'messages', partition, consistent: true }),
      upTo(ctx, { table: 'leases', index: 'due', partition }),
    ]);
    if (parcels.more || leases.more) counts.atLeast = true;
    const sighted = await Promise.all([
      withoutOverridden(ctx, sightParcels(ctx, queue, parcels.rows)),
      sightLeases(ctx, queue, leases.rows),
    ]);
    const waiting = await waitingInGroups(ctx, queue, sighted[1]);
    if (waiting.more) counts.atLeast = true;
    for (const { state, visibleAt } of [...sighted.flat(), waiting].flatMap(({ messages }) => messages)) {
      counts[state]++;
      if (state === 'ready' || state === 'dead') oldest = Math.min(oldest, visibleAt);
    }
  }
  if (oldest !== Number.POSITIVE_INFINITY) counts.oldestAgeSeconds = Math.max(0, ctx.clock.now() - oldest) / 1000;
  return counts;
}

async function waitingInGroups(
  ctx: Context,
  queue: QueueRecord,
  sighted: readonly Sightings[],
): Promise<{ messages: Sighting[]; more: boolean }> {
  const pending = sighted.flatMap(({ row, group }) => (group ? [{ id: row.id as string, group }] : []));
  const messages: Sighting[] = [];
  let rowsLeft = countRowsMax;
  let more = false;
  while (pending.length > 0 && rowsLeft > 0) {
    const reads = pending.splice(0, groupsAtOnce).map(({ id, group }) => sightWaiting(ctx, queue, id, group));
    for (const { rows, more: hasMore } of await Promise.all(reads)) {
      messages.push(...rows.flatMap((one) => one.messages));
      rowsLeft -= rows.length;
      more ||= hasMore;
    }
  }
  return { messages, more: more || pending.length > 0 };
}

async function upTo(ctx: Context, range: Omit<Range, 'limit'>): Promise<{ rows: Row[]; more: boolean }> {
  const rows: Row[] = [];
  let after: Row | undefined;
  do {
    const page = await ctx.store.range({ ...range, limit: countRowsMax - rows.length, ...(after ? { after } : {}) });
    rows.push(...page.rows);
    after = page.next;
  } while (after && rows.length < countRowsMax);
  return { rows, more: after !== undefined };
}
