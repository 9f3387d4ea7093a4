/**
 * Ack in the caller's own transaction: returns the transaction entries and changes no message. The entries are conditional on
 * the tokens alone, as an ack is. Unlike an ack, they fail if a message is already done, even by the same token. So the rest of
 * the caller's transaction applies at most once.
 */
import type { OutputOf } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import type { Context } from '../context/context.ts';
import { keptAs } from '../leases/kept-messages.ts';
import { keyedAck } from '../model/dedup-row.ts';
import { isGroupRow, isKeyedRow } from '../model/ids.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import type { Receipt } from '../model/receipts.ts';
import { encodeTombstone } from '../model/row-codec.ts';
import { leaseKey, newTombstone } from '../model/rows.ts';
import type { Condition, Path, Value, Write } from '../port/port.ts';
import { noteTransactions } from '../queues/change-queue.ts';
import { holdsStill, marks } from './ack.ts';
import { leaseLost, readReceipts } from './receipts-by-row.ts';
import { asItems } from './transaction-items.ts';

export async function ackItems(ctx: Context, queueName: string, receipts: readonly unknown[]): Promise<OutputOf<'ackItems'>> {
  const queue = await ctx.settings.get(queueName);
  const { rows, refused } = readReceipts(queue, receipts);
  const [first] = refused;
  if (first) throw new DumbwaiterError(first[1].code, `receipts[${first[0]}]: ${first[1].message}`);
  const writes = [...rows].map(([rowId, held]) => {
    const receiptsOfRow = held.map(({ receipt }) => receipt);
    return ackWrite(ctx, queue, rowId, receiptsOfRow);
  });
  const items = asItems(ctx, writes);
  // Last, so that a refused call changes nothing; but before the caller gets the entries.
  await noteTransactions(ctx, queue);
  return { items };
}

/** One write for all acked messages of the row: DynamoDB refuses two writes of one item in a transaction. */
function ackWrite(ctx: Context, queue: QueueRecord, rowId: string, held: readonly Receipt[]): Write {
  const slots = new Map(held.map((receipt) => [receipt.slot, receipt]));
  // If one message has two receipts, one of them is stale.
  if (slots.size < held.length) throw new DumbwaiterError('lease_lost', leaseLost().message);
  const now = ctx.clock.now();
  const version = ctx.newVersion();
  const { count, ending } = held[0]!;
  const live = holdsStill(held);
  const done = keptAs(queue, 'done', now);
  const tokens = Array.from({ length: count }, (_, slot) => slots.get(slot)).flatMap((one) =>
    one ? [{ token: one.token }] : [],
  );
  const isGroup = isGroupRow(rowId);
  if (tokens.length === count && held.length === count && !ending && !isGroup && !done.kept) {
    // The client could alter a receipt. The conditions check the row's own count, and that it needs no cleanup when it ends.
    const whole: Condition[] = [{ absent: ['until'] }, { equals: [['count'], count] }, { absent: ['ending'] }, ...live];
    const keyed = isKeyedRow(rowId) ? keyedAck(held[0]!, version, now) : undefined;
    const then = keyed?.then ?? { put: encodeTombstone(newTombstone(rowId, version, tokens, now)) };
    return { key: leaseKey(rowId), when: { all: [...whole, ...(keyed ? [keyed.agrees] : [])] }, then };
  }
  // The row keeps its `expiry`, which may be too early but never too late: the process that finds the row due ends it and keeps
  // what the queue keeps. A group's row becomes due now, so that the group advances.
  const part: Condition = { all: [{ absent: ['until'] }, ...live] };
  return {
    key: leaseKey(rowId),
    when: part,
    then: { set: [[['version'], version], ...(isGroup ? [dueAt(now)] : []), ...marks(held, done)] },
  };
}

function dueAt(now: number): [Path, Value] {
  return [['expiry'], now];
}
