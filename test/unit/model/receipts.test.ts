import { describe, expect, it } from 'vitest';
import { receiptCharsMax } from '../../../contract/limits.ts';
import { formatReceipt, parseReceipt, type Receipt } from '../../../engine/model/receipts.ts';

const receipt: Receipt = {
  incarnation: 'abcdefg1',
  rowId: '01jz00000000000zzzzzzzzz',
  slot: 0,
  count: 1,
  token: '0123456789ab',
};

describe('a receipt', () => {
  it.each<Partial<Receipt>>([
    {},
    { slot: 9, count: 10 },
    { receivedAt: 1_769_860_800_000 },
    { count: 10, needsCleanup: true, freeAt: 1_769_860_800_000, receivedAt: 1_769_860_800_001 },
    { slot: 2, count: 3 },
    { rowId: '01jz00000000000zzzzzzzzz.3' },
    { rowId: 'abcdefg1=order-1' },
    { rowId: 'abcdefg1=A.b_c:d-e.1.1.0123456789ab' },
  ])('a receipt is parsed as it was formatted: %o', (part) => {
    const written = { ...receipt, ...part };
    expect(parseReceipt(formatReceipt(written))).toEqual(written);
  });

  it('a receipt may have as many characters as the limit allows and no more', () => {
    const room = receiptCharsMax - formatReceipt({ ...receipt, rowId: '' }).length;
    const longest = { ...receipt, rowId: 'x'.repeat(room) };
    expect(parseReceipt(formatReceipt(longest))).toEqual(longest);
    expect(parseReceipt(formatReceipt({ ...longest, rowId: 'x'.repeat(room + 1) }))).toBeUndefined();
  });

  it.each<Partial<Receipt>>([
    { incarnation: 'abcdefg' },
    { incarnation: 'abcdefg12' },
    { incarnation: 'ABCDEFGH' },
    { rowId: '' },
    { rowId: 'a b' },
    { rowId: 'é' },
    { count: 0 },
    { count: 11 },
    { count: 100 },
    { slot: 1 },
    { slot: 2, count: 2 },
    { slot: 10, count: 10 },
    { slot: -1 },
    { token: '0123456789a' },
    { token: '0123456789abc' },
    { token: '0123456789AB' },
  ])('a receipt with an impossible part is refused: %o', (part) => {
    expect(parseReceipt(formatReceipt({ ...receipt, ...part }))).toBeUndefined();
  });

  it('a receipt with anything before or after it is refused', () => {
    const text = formatReceipt(receipt);
    for (const wrong of [` ${text}`, `${text} `, `${text}\n`, `x${text}`, `\n${text}`, '']) {
      expect(parseReceipt(wrong)).toBeUndefined();
    }
  });

  it.each([undefined, null, 1, {}, [formatReceipt(receipt)]])('a receipt that is no text is refused: %o', (value) => {
    expect(parseReceipt(value)).toBeUndefined();
  });
});
