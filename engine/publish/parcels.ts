/**
 * This folder turns the entries of a publish into pending messages (`pendingOf`) and writes them to the store: into shared rows (here),
 * rows of their own (`own-id.ts`, `dedup-key.ts`) or groups (`groups.ts`). `operations/publish.ts` chooses between these.
 * Shared rows are parcels in `messages` for ready messages, and rows of `leases` for delayed ones. If a shard throttles the write, it is
 * retried on a newly chosen shard with a new id: nothing was stored.
 */
import type { PublishEntry, PublishResult, Refused } from '../../contract/contract.ts';
import { defined } from '../../contract/defined.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { parcelBytesMax, parcelSlotsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { isTransient, type RetryBudget } from '../context/retry.ts';
import { unavailableEntry } from '../context/unavailable.ts';
import { putIfAbsent, unknownOutcome } from '../leases/lease-store.ts';
import { publishedRow } from '../leases/new-lease-row.ts';
import { type OffloadedBody, removeLasting } from '../leases/offloaded-bodies.ts';
import { type Content, encodeContent, joinEntries, wireBytes, writeChunks } from '../model/content-codec.ts';
import { groupBy } from '../model/group-by.ts';
import { keyedId, messageId } from '../model/ids.ts';
import { levelIn, type QueueRecord, randomShard, retentionEndAfter, shardKey, writeDeadline } from '../model/queue-record.ts';
import { encodeLease, encodeParcel } from '../model/row-codec.ts';
import { roomForContents } from '../model/row-room.ts';
import { leaseKey, parcelKey } from '../model/rows.ts';
import { type Timing, visibleAtOf } from '../model/timing.ts';
import { type Key, type Row, StoreError } from '../port/port.ts';
import { type Target, targetOf } from '../queues/publish-target.ts';
import { type PlaceBody, placeOwn } from './place-body.ts';
import { refusalIn, requestedTiming } from './requested-options.ts';

/** A message to be published: its index in the call, and what it holds. */
export interface Pending {
  index: number;
  encoded: string;
  timing: Timing;
  /** The level of priority. */
  level: number;
  id?: string;
  group?: string;
  /** No receive takes the message until it is committed. */
  prepared?: true;
  /** Only under a `dedupKey`, from which `id` is made: the content that may replace that of the message waiting under the key. */
  content?: Content;
}

/** The pending message for the entry at this index of a call, or why the queue does not accept it. */
export function pendingOf(queue: QueueRecord, entry: PublishEntry, index: number, now: number): Pending | Refused {
  const refused = refusalIn(queue, entry, now);
  if (refused !== undefined) return { ok: false, code: 'invalid_input', message: `messages[${index}].${refused}` };
  const { dedupKey, prepared, group, priority: level = 0 } = entry;
  return defined({
    index,
    encoded: encodeContent(entry),
    timing: requestedTiming(entry) ?? { delayMs: queue.delaySeconds * 1000 },
    level,
    group,
    id: dedupKey === undefined ? entry.id : keyedId(dedupKey),
    prepared: prepared ? (true as const) : undefined,
    content: dedupKey === undefined ? undefined : entryContent(entry),
  });
}

function entryContent({ body, bodyBase64, attributes }: PublishEntry): Content {
  return bodyBase64 === undefined ? { body: body!, ...defined({ attributes }) } : { bodyBase64, ...defined({ attributes }) };
}

/** Messages that share rows, messages by group, and messages that have a row of their own. */
export function byKind(pending: readonly Pending[]): { shared: Pending[]; groups: Map<string, Pending[]>; own: Pending[] } {
  const inGroup = pending.filter(({ group }) => group !== undefined);
  const others = pending.filter(({ group }) => group === undefined);
  const isOwn = ({ id, prepared }: Pending) => id !== undefined || prepared === true;
  return {
    shared: others.filter((one) => !isOwn(one)),
    groups: groupBy(inGroup, ({ group }) => group!),
    own: others.filter(isOwn),
  };
}

/** Lists of messages that may share rows: same level, same timing. */
export function shareable<Message extends { level: number; timing?: Timing }>(pending: readonly Message[]): Message[][] {
  return [...groupBy(pending, ({ level, timing }) => JSON.stringify([level, timing])).values()];
}

/** Publishes each list in rows of its own and records each result. All messages of a list have the same timing and level. */
export async function publishShared(
  ctx: Context,
  first: Target,
  shared: Iterable<readonly Pending[]>,
  results: PublishResult[],
  retryBudget: RetryBudget,
): Promise<void> {
  let target = first;
  let parcels = [...shared].flatMap(inParcels).map((group) => parcelWrite(ctx, target.queue, group));
  for (;;) {
    const failures = await writeParcels(ctx, parcels, target.readAt);
    for (const parcel of parcels) {
      const failure = failures.get(parcel);
      parcel.messages.forEach((pending, slot) => {
        results[pending.index] = failure
          ? unavailableEntry(ctx, target.queue.name, 'publish', failure)
          : { ok: true, id: messageId(parcel.id, slot) };
      });
    }
    const unwritten = parcels.filter((parcel) => isTransient(failures.get(parcel)));
    const next = unwritten.length > 0 && (await retryBudget.pause()) ? await targetNow(ctx, target.queue.name) : undefined;
    // Chunks that were put keep their TTL. If the retention has changed, they are put again.
    const keepsBodies = next?.queue.retentionSeconds === target.queue.retentionSeconds;
    const isAbandoned = (parcel: ParcelWrite) =>
      failures.get(parcel)?.applied === 'no' && !(keepsBodies && unwritten.includes(parcel));
    await removeLasting(ctx, parcels.filter(isAbandoned));
    if (!next) return;
    target = next;
    parcels = unwritten.map((parcel) => parcelWrite(ctx, next.queue, parcel.messages, keepsBodies ? parcel : undefined));
  }
}

/** The target now; undefined if the queue is gone or its settings cannot be read. The results then stay as they are. */
async function targetNow(ctx: Context, name: string): Promise<Target | undefined> {
  try {
    return await targetOf(ctx, name);
  } catch (error) {
    if (error instanceof StoreError || error instanceof DumbwaiterError) return undefined;
    throw error;
  }
}

/**
 * Divides messages into parcels of up to `parcelSlotsMax` messages and `parcelBytesMax` bytes. A larger message is alone in one.
 */
export function inParcels<Message extends { encoded: string }>(pending: readonly Message[]): Message[][] {
  const parcels: Message[][] = [];
  let bytes = 0;
  for (const message of pending) {
    const size = wireBytes(message.encoded);
    const last = parcels.at(-1);
    if (last && last.length < parcelSlotsMax && bytes + size <= parcelBytesMax) {
      last.push(message);
      bytes += size;
    } else {
      parcels.push([message]);
      bytes = size;
    }
  }
  return parcels;
}

export interface ParcelWrite extends OffloadedBody {
  id: string;
  messages: readonly Pending[];
  /** Ready messages go into `messages`, delayed ones into `leases`. */
  key: Key;
  row: Row;
}

/** `before`: an earlier write of the same messages that was not applied; its offloaded bodies are used again. */
export function parcelWrite(
  ctx: Context,
  queue: QueueRecord,
  messages: readonly Pending[],
  before?: ParcelWrite,
  placeBody: PlaceBody = placeOwn,
): ParcelWrite {
  const shard = randomShard(queue, ctx.random);
  const level = levelIn(queue, messages[0]!.level);
  const now = ctx.clock.now();
  // The id must be of the same instant as `since`: receives derive from a purge's instant the first id that may survive it.
  const id = ctx.ids.parcel(shard, level, now);
  const visibleAt = visibleAtOf(messages[0]!.timing, now);
  const retentionEnd = retentionEndAfter(queue, visibleAt);
  const room = roomForContents(messages.length, id.length, queue.backoff, queue.deadLetter !== null) + (ctx.moreRowBytes ?? 0);
  const text = () => joinEntries(messages.map((message) => message.encoded));
  const { content, chunks, ttl } = before ?? placeBody(text(), room, () => ctx.ids.parcel(shard), retentionEnd);
  const at = shardKey(queue, shard, level);
  if (visibleAt > now) {
    const row = encodeLease(publishedRow(ctx, queue, { id, shard: at, count: messages.length, since: now, visibleAt, content }));
    return { id, messages, key: leaseKey(id), row, content, chunks, ttl };
  }
  const parcel = defined({ shard: at, id, count: messages.length, since: now, content, retentionEnd });
  const row = encodeParcel(parcel, queue.deadLetter !== null);
  return { id, messages, key: parcelKey(at, id), row, content, chunks, ttl };
}

/** Writes each parcel independently; returns the errors of those that failed. */
async function writeParcels(
  ctx: Context,
  parcels: readonly ParcelWrite[],
  readAt: number,
): Promise<Map<ParcelWrite, StoreError>> {
  const failures = new Map<ParcelWrite, StoreError>();
  const trying = async (parcel: ParcelWrite, run: () => Promise<unknown>) => {
    try {
      await run();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      failures.set(parcel, error);
    }
  };
  await Promise.all(
    parcels.map((parcel) =>
      trying(parcel, () => writeChunks(ctx.store, parcel.content, parcel.chunks, parcel.ttl, writeDeadline(readAt))),
    ),
  );
  const written = parcels.filter((parcel) => !failures.has(parcel));
  const ready = written.filter(({ key }) => key.table === 'messages');
  const delayed = written.filter(({ key }) => key.table === 'leases');
  await Promise.all([
    // No condition: a row of `messages` that arrives late or twice is overridden by the row in `leases`.
    ready.length > 0 &&
      ctx.store
        .writeAll(
          ready.map(({ key, row }) => ({ key, then: { put: row } })),
          writeDeadline(readAt),
        )
        .then((errors) => {
          for (const [index, error] of errors.entries()) if (error) failures.set(ready[index]!, error);
        }),
    // Nothing overrides a row of `leases`, so a delayed duplicate must meet the first row. Any row with this id comes from this
    // publish.
    ...delayed.map((parcel) =>
      trying(parcel, async () => {
        const after = await putIfAbsent(ctx, parcel.row, readAt);
        if (!after.row) throw unknownOutcome(after);
      }),
    ),
  ]);
  return failures;
}
