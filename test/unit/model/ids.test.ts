import { describe, expect, it } from 'vitest';
import { createIds, isServerId, messageId, ownRowId, parseMessageId, slotRowId } from '../../../engine/model/ids.ts';
import { seededRandom } from '../../../engine/port/random.ts';
import { createDrivenClock } from '../../support/driven-clock.ts';
import { testSeed } from '../../support/seed.ts';

const noon = Date.UTC(2026, 0, 1, 12);
const lastDigits = { chars: (count: number) => 'z'.repeat(count), number: () => 0 };

function begin(start = noon) {
  const clock = createDrivenClock(start);
  return { clock, ids: createIds(clock, seededRandom(testSeed)) };
}

describe('the id of a parcel', () => {
  it('the id of a parcel has time, sequence, shard and level before the random part', () => {
    const ids = createIds(createDrivenClock(32 ** 8 + 31), lastDigits);
    expect([ids.parcel(0), ids.parcel(255)]).toEqual(['10000000z00000zzzzzzzzzz', '10000000z017z0zzzzzzzzzz']);
  });

  it('the ids of parcels sort in the order of publishing, within a millisecond too', () => {
    const { clock, ids } = begin();
    const made: string[] = [];
    for (let ms = 0; ms < 3; ms++) {
      for (let i = 0; i < 40; i++) made.push(ids.parcel(i));
      clock.advance(1);
    }
    expect(made.toSorted()).toEqual(made);
  });

  it('the sequence of ids restarts with each millisecond and after its maximum', () => {
    const { clock, ids } = begin();
    const sequence = () => ids.parcel(0).slice(9, 11);
    expect([sequence(), sequence()]).toEqual(['00', '01']);
    clock.advance(1);
    const all = Array.from({ length: 32 ** 2 }, sequence);
    expect([all[0], all.at(-1), sequence()]).toEqual(['00', 'zz', '00']);
  });

  it('the id of a parcel names the place of its row', () => {
    const { ids } = begin();
    for (const shard of [0, 1, 31, 32, 255]) {
      const parcel = ids.parcel(shard);
      expect(parseMessageId(messageId(parcel, 0))).toMatchObject({ parcel, slot: 0, shard });
      expect(parseMessageId(messageId(parcel, 7))).toMatchObject({ parcel, slot: 7, shard });
    }
  });
});

describe('an id that the queue creates', () => {
  const parcel = begin().ids.parcel(3);

  it.each([
    `${parcel}~0`,
    `${parcel}~9`,
    `${parcel}-0123456789abc~3`,
  ])('the id %s has the form of ids that the queue creates', (id) => {
    expect(isServerId(id)).toBe(true);
  });

  it.each([
    '',
    'order-1',
    parcel,
    `${parcel}.1`,
    '507f1f77bcf86cd799439011',
    'tz4a98xxat96iws9zmbrgj3a',
    '123456789012345678901234',
    `0${parcel}~1`,
    `${parcel}~10`,
    `${parcel}~`,
    `${parcel}~a`,
    `${parcel}-1~0`,
    `${parcel.toUpperCase()}~0`,
    `u${parcel.slice(1)}~0`,
  ])("the id %s is not accepted as a caller's own", (id) => {
    expect(isServerId(id)).toBe(false);
  });
});

describe('the id that a caller sees', () => {
  const parcel = begin().ids.parcel(3);

  it("the id that a caller sees consists of the parcel's id and the slot", () => {
    expect(messageId(parcel, 4)).toBe(`${parcel}~4`);
  });

  it('the id that a caller sees stays the same after a move to another row', () => {
    expect(messageId(slotRowId(parcel, 4), 0)).toBe(messageId(parcel, 4));
  });

  it.each(['order-1', 'a', '', 'a=b'])('the id that a caller sees is the own id %s', (id) => {
    expect(messageId(ownRowId('abcdefgh', id), 0)).toBe(id);
  });
});
