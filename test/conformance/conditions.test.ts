/** Conditions of writes, on both stores. */
import { expect, it } from 'vitest';
import type { Condition, Row } from '../../engine/port/port.ts';
import { describeStores } from './stores.ts';

const row: Row = {
  text: 'apple',
  empty: '',
  high: '\u{1f600}',
  number: 7,
  negative: -3,
  flag: true,
  off: false,
  bytes: new Uint8Array([1, 2]),
  map: { inner: { deep: 'x' }, 'dotted.name': 1, size: 2 },
  list: [{ token: 'a' }, 'second', [5]],
};

const holding: [string, Condition][] = [
  ['exists, of a top place', { exists: ['text'] }],
  ['exists, of an empty string', { exists: ['empty'] }],
  ['exists, of false', { exists: ['off'] }],
  ['exists, within a map', { exists: ['map', 'inner', 'deep'] }],
  ['exists, of a map', { exists: ['map', 'inner'] }],
  ['exists, within a list', { exists: ['list', 0, 'token'] }],
  ['exists, within a list of a list', { exists: ['list', 2, 0] }],
  ['exists, of a name with a dot', { exists: ['map', 'dotted.name'] }],
  ['exists, of a reserved word', { exists: ['map', 'size'] }],
  ['absent, of a top place', { absent: ['nothing'] }],
  ['absent, within nothing', { absent: ['nothing', 'inner'] }],
  ['absent, past the end of a list', { absent: ['list', 3] }],
  ['absent, by name within a list', { absent: ['list', 'token'] }],
  ['absent, by position within a map', { absent: ['map', 0] }],
  ['absent, within a string', { absent: ['text', 'length'] }],
  ['absent, by position within a string', { absent: ['text', 0] }],
  ['absent, by position within bytes', { absent: ['bytes', 0] }],
  ['absent, of what every object of JavaScript has', { absent: ['constructor'] }],
  ['equals, of strings', { equals: [['text'], 'apple'] }],
  ['equals, of empty strings', { equals: [['empty'], ''] }],
  ['equals, of numbers', { equals: [['number'], 7] }],
  ['equals, of booleans', { equals: [['off'], false] }],
  ['equals, within a list', { equals: [['list', 0, 'token'], 'a'] }],
  ['less, of numbers', { less: [['negative'], 0] }],
  ['less, of numbers, not of their digits', { less: [['number'], 10] }],
  ['less, of strings', { less: [['text'], 'apples'] }],
  ['less, of strings by code points', { not: { less: [['high'], '\uffee'] } }],
  ['less, of the empty string', { less: [['empty'], 'a'] }],
  ['all', { all: [{ exists: ['text'] }, { equals: [['number'], 7] }] }],
  ['any', { any: [{ absent: ['text'] }, { equals: [['number'], 7] }] }],
  ['any within all', { all: [{ any: [{ absent: ['text'] }, { exists: ['map'] }] }, { exists: ['list'] }] }],
  ['not, of a comparison that fails', { not: { equals: [['number'], 8] } }],
  ['not, of a comparison with an absent place', { not: { equals: [['nothing'], 1] } }],
  ['not, of a comparison across types', { not: { less: [['text'], 1] } }],
];

const failing: [string, Condition][] = [
  ['exists, of an absent place', { exists: ['nothing'] }],
  ['absent, of a place with false', { absent: ['off'] }],
  ['equals, with an absent place', { equals: [['nothing'], 1] }],
  ['equals, across types', { equals: [['number'], '7'] }],
  ['equals, of a number with a boolean', { equals: [['flag'], 1] }],
  ['equals, of a map with a string', { equals: [['map'], 'x'] }],
  ['less, of equal numbers', { less: [['number'], 7] }],
  ['less, with an absent place', { less: [['nothing'], 1] }],
  ['less, of a string with a number', { less: [['text'], 1] }],
  ['less, of a number with a string', { less: [['number'], 'z'] }],
  ['less, of a boolean', { less: [['off'], 1] }],
  ['less, of a list', { less: [['list'], 'z'] }],
  ['all, of which one fails', { all: [{ exists: ['text'] }, { exists: ['nothing'] }] }],
  ['any, of which none holds', { any: [{ absent: ['text'] }, { exists: ['nothing'] }] }],
  ['not, of what holds', { not: { exists: ['text'] } }],
];

describeStores((store, newKey) => {
  async function outcome(condition: Condition): Promise<boolean> {
    const key = newKey();
    await store().write({ key, then: { put: { ...rowOf(key), ...row } } });
    const { ok } = await store().write({ key, when: condition, then: { set: [[['seen'], true]] } });
    return ok;
  }

  it.each(holding)('a write whose condition holds is applied: %s', async (_, condition) => {
    expect(await outcome(condition)).toBe(true);
  });

  it.each(failing)('a write whose condition fails is refused: %s', async (_, condition) => {
    expect(await outcome(condition)).toBe(false);
  });

  it.each<[string, Condition, boolean]>([
    ['absent', { absent: ['id'] }, true],
    ['exists', { exists: ['id'] }, false],
    ['equals', { equals: [['id'], 'x'] }, false],
    ['less', { less: [['id'], 'zzz'] }, false],
    ['not', { not: { less: [['id'], 'zzz'] } }, true],
  ])('a missing row counts as one without attributes: %s', async (_, when, ok) => {
    const key = newKey();
    expect(await store().write({ key, when, then: { put: rowOf(key) } })).toMatchObject({ ok });
  });

  it.each<[string, Condition]>([
    ['all', { all: [] }],
    ['any', { any: [] }],
  ])('a condition without parts is an error of the caller: %s', async (_, when) => {
    const key = newKey();
    await expect(store().write({ key, when, then: { put: rowOf(key) } })).rejects.toThrow('no parts');
  });
});

function rowOf({ id }: { id: string }): Row {
  return { id };
}
