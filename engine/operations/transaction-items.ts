/** Publish and ack in the caller's own transaction: each returns the transaction entries and changes nothing itself. */
import type { OutputOf, PublishEntry, Refused, TransactionItem } from '../../contract/contract.ts';
import { DumbwaiterError, invalidInput } from '../../contract/errors.ts';
import { transactionBytesMax, transactionEntriesMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { keptAs } from '../leases/kept-messages.ts';
import { chunkWrites } from '../model/content-codec.ts';
import { isGroupRow, messageId } from '../model/ids.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import type { Receipt } from '../model/receipts.ts';
import { encodeLease } from '../model/row-codec.ts';
import { absentAt, leaseKey } from '../model/rows.ts';
import type { Condition, Path, Value, Write } from '../port/port.ts';
import { storedBytes } from '../port/row-limits.ts';
import { newOwnRow } from '../publish/own-id.ts';
import { inParcels, type ParcelWrite, type Pending, parcelWrite, pendingOf, shareable } from '../publish/parcels.ts';
import { noteTransactions } from '../queues/change-queue.ts';
import { targetOf } from '../queues/publish-target.ts';
import { doneMarks, stillLeased, wholeRow } from './ack.ts';
import { leaseLost, parseReceipts, rowsOf } from './receipts-by-row.ts';

/**
 * Publish in the caller's own transaction: returns the transaction entries and stores no message. The same transaction stores
 * offloaded bodies, so that nothing is left over if it is never committed.
 */
export async function publishItems(
  ctx: Context,
  queueName: string,
  entries: readonly (PublishEntry | Refused)[],
): Promise<OutputOf<'publishItems'>> {
  const { queue } = await targetOf(ctx, queueName);
  const pending = entries.map((entry, index) => accepted(ctx, queue, entry, index));
  const own = pending.filter(({ id }) => id !== undefined);
  const twice = own.find(({ id }, at) => own.findIndex((other) => other.id === id) !== at);
  if (twice) throw invalidInput(`messages[${twice.index}].id: must be unique in the call, was given twice: "${twice.id}"`);

  const parcels = shareable(pending.filter(({ id }) => id === undefined))
    .flatMap(inParcels)
    .map((group) => parcelWrite(ctx, queue, group));
  const ids: string[] = new Array(entries.length);
  for (const { id, messages } of parcels) for (const [slot, { index }] of messages.entries()) ids[index] = messageId(id, slot);
  for (const { index, id } of own) ids[index] = id!;
  const writes = [...parcels, ...own.map((one) => ownWrite(ctx, queue, one))].flatMap((parcel) => writesOf(ctx, parcel));
  const items = asItems(ctx, writes);
  // Last, so that a refused call changes nothing; but before the caller gets the entries.
  await noteTransactions(ctx, queue);
  return { items, ids };
}

function accepted(ctx: Context, queue: QueueRecord, entry: PublishEntry | Refused, index: number): Pending {
  const pending = 'ok' in entry ? entry : pendingOf(queue, entry, index, ctx.clock.now());
  if ('ok' in pending) throw new DumbwaiterError(pending.code, pending.message);
  if (pending.group !== undefined) {
    throw invalidInput(`messages[${index}].group: is not allowed in a transaction; publish the message with publish`);
  }
  if (pending.prepared) {
    throw invalidInput(
      `messages[${index}].prepared: is not allowed in a transaction: its commit already decides whether the message is published`,
    );
  }
  if (pending.content !== undefined) {
    const message = `messages[${index}].dedupKey: is not allowed in a transaction; give the message an id, or use publish`;
    throw invalidInput(message);
  }
  return pending;
}

/** The write of a message with the caller's own id. */
function ownWrite(ctx: Context, queue: QueueRecord, pending: Pending): ParcelWrite {
  const { lease, body } = newOwnRow(ctx, queue, pending);
  return { id: lease.id, messages: [pending], key: leaseKey(lease.id), row: encodeLease(lease), ...body };
}

/** A put into `leases` may replace only an outdated tombstone. One into `messages` needs no condition: `leases` overrides it. */
function writesOf(ctx: Context, { key, row, content, chunks, ttl }: ParcelWrite): Write[] {
  const then = { put: row };
  const write: Write = key.table === 'leases' ? { key, when: absentAt(ctx.clock.now()), then } : { key, then };
  return [...chunkWrites(content, chunks, ttl), write];
}

/**
 * Ack in the caller's own transaction: returns the transaction entries and changes no message. The entries are conditional on
 * the tokens alone, as an ack is. Unlike an ack, they fail if a message is already done, even by the same token. So the rest of
 * the caller's transaction applies at most once.
 */
export async function ackItems(ctx: Context, queueName: string, texts: readonly unknown[]): Promise<OutputOf<'ackItems'>> {
  const queue = await ctx.settings.get(queueName);
  const receipts = parseReceipts(queue, texts);
  for (const [index, one] of receipts.entries()) {
    if ('code' in one) throw new DumbwaiterError(one.code, `receipts[${index}]: ${one.message}`);
  }
  const writes = [...rowsOf(receipts)].map(([rowId, ofRow]) => ackWrite(ctx, queue, rowId, ofRow));
  const items = asItems(ctx, writes);
  // Last, so that a refused call changes nothing; but before the caller gets the entries.
  await noteTransactions(ctx, queue);
  return { items };
}

/** One write for all acked messages of the row: DynamoDB refuses two writes of one item in a transaction. */
function ackWrite(ctx: Context, queue: QueueRecord, rowId: string, receipts: readonly Receipt[]): Write {
  // If one message has two receipts, one of them is stale.
  const slots = new Set(receipts.map(({ slot }) => slot));
  if (slots.size < receipts.length) throw new DumbwaiterError('lease_lost', leaseLost().message);
  const now = ctx.clock.now();
  const version = ctx.newVersion();
  const key = leaseKey(rowId);
  const live = stillLeased(receipts);
  const done = keptAs(queue, 'done', now);
  const isGroup = isGroupRow(rowId);
  const whole = isGroup || receipts[0]!.needsCleanup || done.kept ? undefined : wholeRow(rowId, receipts, version, now);
  if (whole) return { key, when: { all: [...whole.when, ...live] }, then: whole.then };
  // The row keeps its `expiry`, which may be too early but never too late: the process that finds the row due ends it and keeps
  // what the queue keeps. A group's row becomes due now, so that the group advances.
  const due: [Path, Value][] = isGroup ? [[['expiry'], now]] : [];
  const part: Condition = { all: [{ absent: ['until'] }, ...live] };
  return { key, when: part, then: { set: [[['version'], version], ...due, ...doneMarks(receipts, done)] } };
}

/**
 * Converts writes into entries of the caller's own transaction. Refuses writes that exceed the limits of one transaction. The caller's own entries count
 * too, but are not known here.
 */
export function asItems(ctx: Context, writes: readonly Write[]): TransactionItem[] {
  const { transactionItem } = ctx;
  if (!transactionItem) {
    throw invalidInput(
      'This queue is not on DynamoDB, so no transaction can hold its messages. For a local queue that is: npm start -- --dynamodb',
    );
  }
  if (writes.length > transactionEntriesMax) {
    throw tooMuch(`need ${writes.length} entries in a transaction; the limit is ${transactionEntriesMax}`);
  }
  const bytes = writes.reduce((sum, { then }) => sum + ('put' in then ? storedBytes(then.put) : 0), 0);
  if (bytes > transactionBytesMax) throw tooMuch(`need ${bytes} bytes in a transaction; the limit is ${transactionBytesMax}`);
  return writes.map(transactionItem);
}

function tooMuch(what: string): DumbwaiterError {
  return invalidInput(`messages: together they ${what}`);
}
