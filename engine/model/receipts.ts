/** A receipt is opaque to its holder: the queue's incarnation, the row, the slot, the parcel's number of slots, the token. */
import { parcelSlotsMax, receiptCharsMax } from '../../contract/limits.ts';

export const tokenChars = 12;

export interface Receipt {
  incarnation: string;
  rowId: string;
  slot: number;
  /** Slots of the row: an ack of all of them at once ends the row in one write. */
  count: number;
  token: string;
  /** Of the row of a key: until when that is taken, ms. */
  freeAt?: number;
  /** Whether the row has more to do when it ends, which does not change while the token is valid. */
  ending?: true;
}

export function formatReceipt(receipt: Receipt): string {
  const { incarnation, rowId, slot, count, token, ending, freeAt } = receipt;
  const marks = `${ending ? endingMark : ''}${freeAt === undefined ? '' : `${freeAtMark}${freeAt}`}`;
  return `${incarnation}.${rowId}.${slot}.${count}${marks}.${token}`;
}

const endingMark = 'e';
const freeAtMark = 'k';

// A row's id may hold dots, when it is the caller's own or a slot's.
const form = new RegExp(
  `^([0-9a-z]{8})\\.([A-Za-z0-9_.:=@~-]+)\\.([0-9])\\.([0-9]{1,2})(${endingMark}?)(?:${freeAtMark}([0-9]{1,15}))?\\.([0-9a-z]{${tokenChars}})$`,
);

/** Reads a receipt; undefined where it is not of the form that `formatReceipt` makes. */
export function parseReceipt(text: unknown): Receipt | undefined {
  if (typeof text !== 'string' || text.length > receiptCharsMax) return undefined;
  const parts = form.exec(text);
  if (!parts) return undefined;
  const receipt: Receipt = {
    incarnation: parts[1]!,
    rowId: parts[2]!,
    slot: Number(parts[3]),
    count: Number(parts[4]),
    token: parts[7]!,
    ...(parts[5] === '' ? {} : { ending: true }),
    ...(parts[6] === undefined ? {} : { freeAt: Number(parts[6]) }),
  };
  return receipt.count >= 1 && receipt.count <= parcelSlotsMax && receipt.slot < receipt.count ? receipt : undefined;
}
