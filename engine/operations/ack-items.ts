/**
 * Ack within a transaction of the caller's own: answers the entries that do it, and does nothing. They rest on the tokens alone, as an
 * ack does; but they are refused where a message is done already, be it by this very token, so that what they are committed with
 * happens once.
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
  // After all that can refuse the call, which then changes nothing; before the caller has the entries.
  await noteTransactions(ctx, queue);
  return { items };
}

/** One write of the row, however many of its messages are acked: DynamoDB takes no two on one item. */
function ackWrite(ctx: Context, queue: QueueRecord, rowId: string, held: readonly Receipt[]): Write {
  const slots = new Map(held.map((receipt) => [receipt.slot, receipt]));
  // Of two receipts of one message one is stale.
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
    // Receipts are in their holder's hands: the row itself says how many messages it has, and what is left to do at its end.
    const whole: Condition[] = [{ absent: ['until'] }, { equals: [['count'], count] }, { absent: ['ending'] }, ...live];
    const keyed = isKeyedRow(rowId) ? keyedAck(held[0]!, version, now) : undefined;
    const then = keyed?.then ?? { put: encodeTombstone(newTombstone(rowId, version, tokens, now)) };
    return { key: leaseKey(rowId), when: { all: [...whole, ...(keyed ? [keyed.agrees] : [])] }, then };
  }
  // Its expiry stays, too early if anything: who meets the row when it is due ends it, and keeps what is to be kept. A group goes on from now.
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
