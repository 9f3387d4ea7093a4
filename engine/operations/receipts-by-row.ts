/** Shared by ack, release and extend: parses receipts, groups them by row, and handles all receipts of a row together. */
import type { Refused } from '../../contract/contract.ts';
import type { Context } from '../context/context.ts';
import { unavailableEntry } from '../context/unavailable.ts';
import type { Judged } from '../leases/lease-store.ts';
import { wasTaken } from '../model/group-row.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { parseReceipt, type Receipt } from '../model/receipts.ts';
import { StoreError } from '../port/port.ts';

/** The error for a receipt that no longer holds its message: `cancelled` or `lease_lost`. */
export function notHeld({ lease, tombstone }: Judged, { slot, token }: Receipt): Refused {
  const ended = tombstone?.slots[slot];
  const holder = ended?.cancelled ? ended.token : lease?.slots[slot]?.heldBy;
  const isTaken = lease?.group !== undefined && wasTaken(lease.group, token, slot);
  if (holder !== token && !isTaken) return leaseLost();
  return { ok: false, code: 'cancelled', message: 'receipt: the message was cancelled' };
}

export function leaseLost(): Refused {
  return {
    ok: false,
    code: 'lease_lost',
    message: 'receipt: the lease ended, and the message was received by another, released, moved or removed since',
  };
}

function invalid(message: string): Refused {
  return { ok: false, code: 'invalid_receipt', message: `receipt: ${message}` };
}

/**
 * Returns one result per receipt, in order. `change` gets the receipts of one row, without duplicates, and returns one result for
 * each. If the store fails for a row, only that row's receipts get `unavailable`.
 */
export async function byRow<Result>(
  ctx: Context,
  queueName: string,
  texts: readonly unknown[],
  change: (queue: QueueRecord, rowId: string, held: readonly Receipt[]) => Promise<readonly (Result | Refused)[]>,
): Promise<{ results: (Result | Refused)[] }> {
  const queue = await ctx.settings.get(queueName);
  const results: (Result | Refused)[] = new Array(texts.length);
  const { rows, refused } = readReceipts(queue, texts);
  for (const [index, refusal] of refused) results[index] = refusal;
  await Promise.all(
    [...rows].map(async ([rowId, held]) => {
      const answers = await answered(ctx, queueName, () =>
        change(
          queue,
          rowId,
          held.map(({ receipt }) => receipt),
        ),
      );
      held.forEach(({ indices }, at) => {
        for (const index of indices) results[index] = Array.isArray(answers) ? answers[at]! : (answers as Refused);
      });
    }),
  );
  return { results };
}

/** Groups receipts by row, each with its indices in the call. `refused`: receipts that are invalid or belong to another queue. */
export function readReceipts(
  queue: QueueRecord,
  texts: readonly unknown[],
): { rows: Map<string, { receipt: Receipt; indices: number[] }[]>; refused: Map<number, Refused> } {
  const rows = new Map<string, { receipt: Receipt; indices: number[] }[]>();
  const refused = new Map<number, Refused>();
  texts.forEach((text, index) => {
    const receipt = parseReceipt(text);
    if (!receipt) refused.set(index, invalid('not one that a receive of this queue gave'));
    else if (receipt.incarnation !== queue.incarnation) refused.set(index, invalid(`not one of the queue "${queue.name}"`));
    else {
      const held = rows.get(receipt.rowId) ?? [];
      const same = held.find((one) => one.receipt.slot === receipt.slot && one.receipt.token === receipt.token);
      if (same) same.indices.push(index);
      else held.push({ receipt, indices: [index] });
      rows.set(receipt.rowId, held);
    }
  });
  return { rows, refused };
}

async function answered<T>(ctx: Context, queueName: string, run: () => Promise<T>): Promise<T | Refused> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return unavailableEntry(ctx, queueName, 'lease', error);
  }
}
