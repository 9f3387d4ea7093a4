import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applySet, checkPlaces, compareSortKeys, compareStrings, holds } from '../../../engine/port/condition-evaluator.ts';
import type { Row } from '../../../engine/port/port.ts';
import { storedBytes, storedCopy } from '../../../engine/port/row-limits.ts';

describe('a condition', () => {
  it('a condition holds according to its parts', () => {
    const row: Row = { a: 1, slots: [{ token: 't' }] };
    expect(holds({ all: [{ equals: [['slots', 0, 'token'], 't'] }, { less: [['a'], 2] }] }, row)).toBe(true);
    expect(holds({ any: [{ absent: ['a'] }, { not: { exists: ['slots', 0] } }] }, row)).toBe(false);
    expect(holds({ absent: ['a'] }, undefined)).toBe(true);
  });
});

describe('the order of strings', () => {
  it('strings sort by their UTF-8 bytes', () => {
    const texts = fc.string({
      unit: fc.constantFrom('a', 'b', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{1f600}'),
      maxLength: 4,
    });
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        expect(Math.sign(compareStrings(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('numbers sort by their size', () => {
    expect([10, 9, -1].sort(compareSortKeys)).toEqual([-1, 9, 10]);
  });
});

describe('a change', () => {
  it('a change sets and unsets places of a row', () => {
    const row: Row = { a: { b: [1, 2] }, c: 1 };
    applySet({ set: [[['a', 'b', 1], 3]], unset: [['c']] }, row);
    expect(row).toEqual({ a: { b: [1, 3] } });
  });

  it('a change cannot reach the prototype of objects', () => {
    const row: Row = {};
    expect(() => applySet({ set: [[['__proto__', 'polluted'], true]] }, row)).toThrow('no such place');
    applySet({ set: [[['__proto__'], 'own']] }, row);
    expect(Object.hasOwn(row, '__proto__')).toBe(true);
    expect(({} as Row).polluted).toBeUndefined();
  });

  it.each([
    ['a place within another', { set: [[['a'], 1] as const, [['a', 'b'], 1] as const] }, 'overlap'],
    ['no place', { set: [] }, 'no places'],
    ['an element out of a list', { set: [], unset: [['a', 0] as const] }, 'taken out'],
  ])('a change with %s is refused', (_, change, message) => {
    expect(() => checkPlaces(change)).toThrow(message);
  });
});

describe('a stored row', () => {
  it('the size of a stored row counts names and values', () => {
    expect(storedBytes({ id: 'abc' })).toBe(5);
    expect(storedBytes({ n: 12345, m: -1, z: 0 })).toBe(1 + 4 + 1 + 3 + 1 + 1);
    expect(storedBytes({ flag: true, b: new Uint8Array(7) })).toBe(5 + 8);
    expect(storedBytes({ l: ['ab', 'c'], m: { k: 'ü' } })).toBe(1 + 3 + 1 + 2 + 1 + 1 + (1 + 3 + 1 + 1 + 2));
  });

  it('a stored row may nest to 32 levels and no deeper', () => {
    const nested = (levels: number): Row => (levels === 1 ? { end: 1 } : { in: nested(levels - 1) });
    expect(() => storedCopy(nested(32))).not.toThrow();
    expect(() => storedCopy(nested(33))).toThrow('nest');
  });
});
