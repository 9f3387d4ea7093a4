/**
 * Receipts: the queue's incarnation, the row, the slot, the row's number of slots, marks, and the token. Opaque to the caller.
 * A change of the form invalidates the receipts that callers hold.
 */
import { parcelSlotsMax, receiptCharsMax } from '../../contract/limits.ts';

export const tokenChars = 12;

export interface Receipt {
  incarnation: string;
  rowId: string;
  slot: number;
  /** The number of slots of the row. An ack of all of them at once ends the row in one write. */
  count: number;
  token: string;
  /** Only for the row of a `dedupKey`: until when the key is taken, ms. */
  freeAt?: number;
  /** Whether the row needs cleanup when it ends. Does not change while the token is valid. */
  needsCleanup?: true;
  /** When the message was received, ms. Metrics of times and a limit of SQS read it, in any process. No rule of the queue does. */
  receivedAt?: number;
}

export function formatReceipt(receipt: Receipt): string {
  const { incarnation, rowId, slot, count, token, needsCleanup, freeAt, receivedAt } = receipt;
  const at = (mark: string, ms: number | undefined) => (ms === undefined ? '' : `${mark}${ms}`);
  const marks = `${needsCleanup ? endingMark : ''}${at(freeAtMark, freeAt)}${at(receivedAtMark, receivedAt)}`;
  return `${incarnation}.${rowId}.${slot}.${count}${marks}.${token}`;
}

const endingMark = 'e';
const freeAtMark = 'k';
const receivedAtMark = 'r';

// A row's id may contain dots: if the caller chose it, or if it is the row of one slot.
const form = new RegExp(
  `^([0-9a-z]{8})\\.([A-Za-z0-9_.:=@~-]+)\\.([0-9])\\.([0-9]{1,2})(${endingMark}?)(?:${freeAtMark}([0-9]{1,15}))?(?:${receivedAtMark}([0-9]{1,15}))?\\.([0-9a-z]{${tokenChars}})$`,
);

/** Parses a receipt; undefined if the text does not have the form that `formatReceipt` makes. */
export function parseReceipt(text: unknown): Receipt | undefined {
  if (typeof text !== 'string' || text.length > receiptCharsMax) return undefined;
  const parts = form.exec(text);
  if (!parts) return undefined;
  const receipt: Receipt = {
    incarnation: parts[1]!,
    rowId: parts[2]!,
    slot: Number(parts[3]),
    count: Number(parts[4]),
    token: parts[8]!,
    ...(parts[5] === '' ? {} : { needsCleanup: true }),
    ...(parts[6] === undefined ? {} : { freeAt: Number(parts[6]) }),
    ...(parts[7] === undefined ? {} : { receivedAt: Number(parts[7]) }),
  };
  return receipt.count >= 1 && receipt.count <= parcelSlotsMax && receipt.slot < receipt.count ? receipt : undefined;
}
