/** Shared by ack, release and extend: parses the receipts of a call once, and handles all receipts of a row together. */
import type { AckResult, Refused } from '../../contract/contract.ts';
import type { Context } from '../context/context.ts';
import { unavailableEntry } from '../context/unavailable.ts';
import type { DecodedRow } from '../leases/lease-store.ts';
import { groupBy } from '../model/group-by.ts';
import { wasCancelled } from '../model/group-row.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { parseReceipt, type Receipt } from '../model/receipts.ts';
import { isLive, type LeaseRow } from '../model/rows.ts';
import { StoreError } from '../port/port.ts';

/** The receipts of a call, in order. A repeated receipt is the same object. One that is invalid or of another queue is refused. */
export type Receipts = readonly (Receipt | Refused)[];

export function parseReceipts(queue: QueueRecord, texts: readonly unknown[]): Receipts {
  const known = new Map<string, Receipt>();
  return texts.map((text) => {
    const receipt = parseReceipt(text);
    if (!receipt) return invalid('must be one that a receive of this queue returned');
    if (receipt.incarnation !== queue.incarnation)
      return invalid(`belongs to another queue than "${queue.name}", or to a deleted one`);
    const name = `${receipt.rowId} ${receipt.slot} ${receipt.token}`;
    known.set(name, known.get(name) ?? receipt);
    return known.get(name)!;
  });
}

/** The valid receipts by row, without repeats. */
export function rowsOf(receipts: Receipts): Map<string, Receipt[]> {
  const valid = receipts.filter((one): one is Receipt => 'token' in one);
  return groupBy(new Set(valid), ({ rowId }) => rowId);
}

/**
 * Returns a result for each valid receipt. `change` gets the receipts of one row and returns one result for each. If the store
 * fails for a row, only that row's receipts get `unavailable`.
 */
export async function answerByRow<Result extends AckResult>(
  ctx: Context,
  queue: QueueRecord,
  receipts: Receipts,
  change: (rowId: string, receipts: readonly Receipt[]) => Promise<readonly Result[]>,
): Promise<Map<Receipt, Result | Refused>> {
  const answers = new Map<Receipt, Result | Refused>();
  await Promise.all(
    [...rowsOf(receipts)].map(async ([rowId, ofRow]) => {
      const results = await change(rowId, ofRow).catch((error: unknown) => {
        if (!(error instanceof StoreError)) throw error;
        return ofRow.map(() => unavailableEntry(ctx, queue.name, 'lease', error));
      });
      ofRow.forEach((receipt, index) => {
        answers.set(receipt, results[index]!);
      });
    }),
  );
  return answers;
}

/** One result per receipt of the call, in order. */
export function inOrder<Result>(receipts: Receipts, answers: ReadonlyMap<Receipt, Result>): (Result | Refused)[] {
  return receipts.map((one) => ('token' in one ? answers.get(one)! : one));
}

/** Whether the message is live and this receipt still holds it. */
export function isHeldBy(lease: LeaseRow | undefined, { slot, token }: Receipt): boolean {
  const there = lease?.slots[slot];
  return there !== undefined && isLive(there) && there.token === token;
}

/** The error for a receipt that no longer holds its message: `cancelled` or `lease_lost`. */
export function notHeld({ lease, tombstone }: DecodedRow, { slot, token }: Receipt): Refused {
  const ended = tombstone?.slots[slot];
  const holder = ended?.cancelled ? ended.token : lease?.slots[slot]?.heldBy;
  const isTaken = lease?.kind === 'group' && wasCancelled(lease.group, token, slot);
  if (holder !== token && !isTaken) return leaseLost();
  return { ok: false, code: 'cancelled', message: 'receipt: the message was cancelled' };
}

export function leaseLost(): Refused {
  return {
    ok: false,
    code: 'lease_lost',
    message: 'receipt: the lease ended, and the message has been received again, released, moved or removed',
  };
}

function invalid(message: string): Refused {
  return { ok: false, code: 'invalid_receipt', message: `receipt: ${message}` };
}
