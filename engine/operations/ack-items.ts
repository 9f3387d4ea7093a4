/**
 * Ack in the caller's own transaction: returns the transaction entries and changes no message. The entries are conditional on
 * the tokens alone, as an ack is. Unlike an ack, they fail if a message is already done, even by the same token. So the rest of
 * the caller's transaction applies at most once.
 */
import type { OutputOf } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import type { Context } from '../context/context.ts';
import { keptAs } from '../leases/kept-messages.ts';
import { isGroupRow } from '../model/ids.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import type { Receipt } from '../model/receipts.ts';
import { leaseKey } from '../model/rows.ts';
import type { Condition, Path, Value, Write } from '../port/port.ts';
import { noteTransactions } from '../queues/change-queue.ts';
import { doneMarks, stillLeased, wholeRow } from './ack.ts';
import { leaseLost, parseReceipts, rowsOf } from './receipts-by-row.ts';
import { asItems } from './transaction-items.ts';

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
