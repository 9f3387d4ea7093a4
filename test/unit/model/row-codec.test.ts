import { describe, expect, it } from 'vitest';
import { leasesKeptMax, parcelSlotsMax, retentionGraceMs, rowBytesMax, signedRequestMsMax } from '../../../contract/limits.ts';
import type { StoredContent } from '../../../engine/model/content-codec.ts';
import { decodeLease, decodeParcel, encodeLease, encodeParcel, encodeTombstone } from '../../../engine/model/row-codec.ts';
import { roomForContents } from '../../../engine/model/row-room.ts';
import type { EndedLease, LeaseRow, Parcel, ParcelLeaseRow, Slot, Tombstone } from '../../../engine/model/rows.ts';
import { slotPath } from '../../../engine/model/slot-codec.ts';
import { storedBytes } from '../../../engine/port/row-limits.ts';

const places: StoredContent[] = [
  { text: '[[1]]' },
  { deflated: new Uint8Array([1, 2, 3]), size: 9 },
  { offloaded: 'x', chunks: 2, size: 700_000 },
];
const noon = Date.UTC(2026, 0, 1, 12);
const graceSeconds = retentionGraceMs / 1000;

const parcel: Parcel = { shard: 'abcdefgh:0', id: 'p', count: 2, since: noon, content: places[0]! };
const fullSlot: Slot = {
  visibleAt: noon + 3_000,
  token: '0123456789ab',
  leasedUntil: noon + 1_000,
  receives: 3,
  firstReceivedAt: noon - 86_400_000,
  failures: 2,
  lastFailure: 'no disk',
  died: { receives: 7, failures: 6 },
};
const lease: ParcelLeaseRow = {
  kind: 'parcel',
  id: 'p',
  shard: 'abcdefgh:0',
  version: 'v',
  slots: [{ visibleAt: noon, receives: 0, failures: 0 }],
  since: noon,
  content: places[0]!,
};

describe('a parcel', () => {
  it.each(places)('a parcel is decoded as it was encoded, with the contents %o', (content) => {
    for (const one of [
      { ...parcel, content },
      { ...parcel, content, retentionEnd: noon },
    ]) {
      expect(decodeParcel(encodeParcel(one, true))).toEqual(one);
    }
  });

  it('a parcel has a TTL long after its retention, unless a dead-letter queue waits for it', () => {
    const expiring = { ...parcel, retentionEnd: noon };
    expect(encodeParcel(expiring, false).ttl).toBe(noon / 1000 + graceSeconds);
    expect(encodeParcel(expiring, true).ttl).toBeUndefined();
    expect(encodeParcel(parcel, false).ttl).toBeUndefined();
  });
});

describe('a lease', () => {
  const whole: ParcelLeaseRow = {
    ...lease,
    slots: [
      fullSlot,
      { visibleAt: noon, receives: 1, failures: 0, end: 'moved' },
      { visibleAt: 1, receives: 1, failures: 1, end: 'done' },
    ],
    publishedAt: noon - 5,
    retentionEnd: noon + 9,
    sourceShard: 'abcdefgh:1',
    needsCleanup: true,
    outOfOrder: 'abcdefgh:2',
    death: { queue: 'q', reason: 'expired', at: noon },
    maxReceives: 4,
  };

  it.each(places)('a lease is decoded as it was encoded, with the contents %o', (content) => {
    for (const one of [
      { ...lease, content },
      { ...whole, content },
    ]) {
      expect(decodeLease(encodeLease(one))).toEqual({ lease: one });
    }
  });

  it('a lease is due at the earliest time of its live messages', () => {
    expect(encodeLease(whole).expiry).toBe(fullSlot.visibleAt);
    const slots = [5, 3, 4].map((visibleAt) => ({ visibleAt, receives: 0, failures: 0 }));
    expect(encodeLease({ ...lease, slots }).expiry).toBe(3);
  });

  it('a lease tells the sweep that a message has used up its receives', () => {
    const last = (receives: number, more: Partial<ParcelLeaseRow>, slot: Partial<Slot> = {}) => {
      const live = { visibleAt: 0, receives: 0, failures: 0 };
      return encodeLease({ ...lease, slots: [live, { ...live, receives, ...slot }], ...more }).last;
    };
    expect([1, 2, 3].map((receives) => last(receives, { maxReceives: 2 }))).toEqual([undefined, true, true]);
    expect(last(3, {})).toBeUndefined();
    expect(last(3, { maxReceives: 2 }, { end: 'done' })).toBeUndefined();
  });

  it('a lease has a TTL long after its retention and its last lease, unless a dead-letter queue waits for it', () => {
    const expiring = { ...lease, retentionEnd: noon };
    const slots = [2_000, 8_000].map((ms) => ({ visibleAt: noon + ms, receives: 1, failures: 0 }));
    const ended: Slot = { visibleAt: noon + 99_000, receives: 1, failures: 0, end: 'done' };
    expect(encodeLease(expiring).ttl).toBe(noon / 1000 + graceSeconds);
    expect(encodeLease({ ...expiring, slots: [...slots, ended] }).ttl).toBe(noon / 1000 + 8 + graceSeconds);
    expect(encodeLease({ ...expiring, maxReceives: 1 }).ttl).toBeUndefined();
    expect(encodeLease(lease).ttl).toBeUndefined();
  });

  it('a lease has no attribute for an absent field, because each attribute adds to the size of the row', () => {
    const names = ['id', 'shard', 'version', 'expiry', 'count', 'slots', 'since', 'bodies'];
    expect(Object.keys(encodeLease(lease)).toSorted()).toEqual(names.toSorted());
    expect(encodeLease(lease).slots).toEqual([{ v: noon }]);
  });

  it.each([
    ['once for all received messages', [noon, noon, undefined], [7, 0]],
    ['and how much later the others were', [noon + 1, noon, undefined], [7, 1]],
    ['for none, in a row of an earlier version', [undefined, undefined, undefined], [undefined, 0]],
    ['for one of two, if an earlier version received the other', [noon, undefined], [undefined, 1]],
  ])('a lease stores when its messages were first received: %s', (_, instants, stored) => {
    const slots = instants.map((firstReceivedAt, index): Slot => {
      const slot = { visibleAt: noon + 30_000 + index, receives: index === 2 ? 0 : 1, failures: 0 };
      return firstReceivedAt === undefined ? slot : { ...slot, firstReceivedAt };
    });
    const row = encodeLease({ ...lease, since: noon - 7, slots });
    expect(decodeLease(row)).toMatchObject({ lease: { slots } });
    const ofSlots = (row.slots as Record<string, unknown>[]).filter(({ i }) => i !== undefined).length;
    expect([row.first, ofSlots]).toEqual(stored);
  });

  it('a lease is decoded with the leases that ended before it, and each costs its row about 12 bytes', () => {
    const outcomes = ['failed', 'released', 'expired'] as const;
    const ended = Array.from({ length: leasesKeptMax }, (_, index): EndedLease => {
      const at = noon + index * 45_000;
      return { at, endedAt: at + 30_000, outcome: outcomes[index % outcomes.length]! };
    });
    const bytes = [1, ended.length].map((count) => {
      const leases = ended.slice(0, count);
      const receivedAt = noon + 500_000;
      for (const visibleAt of [noon - 1, receivedAt + 30_000]) {
        const one: ParcelLeaseRow = { ...lease, slots: [{ ...fullSlot, visibleAt, receivedAt, leases }] };
        expect(decodeLease(encodeLease(one))).toEqual({ lease: one });
      }
      return storedBytes(encodeLease({ ...lease, slots: [{ ...fullSlot, leases }] }));
    });
    expect((bytes[1]! - bytes[0]!) / (ended.length - 1)).toBeLessThanOrEqual(12);
  });

  it('a lease stores token and end of a slot where conditions read them', () => {
    const row = encodeLease(whole) as { slots: Record<string, unknown>[] };
    const at = (slot: number, name: 'token' | 'end' | 'visibleAt') => {
      const [list, index, attribute] = slotPath(slot, name) as [string, number, string];
      return [list, row.slots[index]![attribute]];
    };
    expect([at(0, 'token'), at(1, 'end'), at(0, 'visibleAt')]).toEqual([
      ['slots', fullSlot.token],
      ['slots', 'moved'],
      ['slots', fullSlot.visibleAt],
    ]);
  });
});

describe('a tombstone', () => {
  const tombstone: Tombstone = { id: 'p', version: 'v', slots: [{ token: '0123456789ab' }, {}], until: noon + 1 };
  const pendingCleanup = { shard: 'abcdefgh:0', dueAt: noon };

  it.each<Tombstone>([
    tombstone,
    { ...tombstone, pendingCleanup },
    { ...tombstone, pendingCleanup: { ...pendingCleanup, outOfOrder: 'abcdefgh:1' } },
    { ...tombstone, pendingCleanup: { ...pendingCleanup, content: places[2]! } },
  ])('a tombstone is decoded as it was encoded: %o', (one) => {
    expect(decodeLease(encodeTombstone(one))).toEqual({ tombstone: one });
  });

  it('a tombstone has a TTL after which no request that it refused can arrive, and is never due', () => {
    expect(encodeTombstone(tombstone)).toMatchObject({ ttl: noon / 1000 + 1 + signedRequestMsMax / 1000 });
    expect(encodeTombstone(tombstone)).not.toHaveProperty('expiry');
  });

  it('a tombstone with something left to remove is due and has no TTL', () => {
    const row = encodeTombstone({ ...tombstone, pendingCleanup });
    expect(row).toMatchObject({ shard: pendingCleanup.shard, expiry: pendingCleanup.dueAt });
    expect(row).not.toHaveProperty('ttl');
  });
});

describe('the room for contents', () => {
  const leased = (count: number, backoff: boolean, deadLetter: boolean, text: string): LeaseRow => ({
    kind: 'parcel',
    id: 'x'.repeat(24),
    shard: 'abcdefgh:255',
    version: 'x'.repeat(10),
    slots: Array.from({ length: count }, () => ({
      visibleAt: noon + 123,
      token: 'x'.repeat(12),
      receives: 42,
      firstReceivedAt: noon + 7 + 2_345_678_901,
      failures: 41,
      ...(backoff ? { leasedUntil: noon + 123 - 899_999 } : {}),
    })),
    since: noon + 7,
    retentionEnd: noon + 77,
    sourceShard: 'abcdefgh:255',
    content: { text },
    ...(deadLetter ? { maxReceives: 43 } : {}),
  });

  it.each([
    { count: 1, backoff: false, deadLetter: false },
    { count: 1, backoff: true, deadLetter: true },
    { count: 5, backoff: false, deadLetter: true },
    { count: parcelSlotsMax, backoff: true, deadLetter: true },
  ])('the room for contents is the rest of a KiB beside a leased row, within a few bytes: %o', ({
    count,
    backoff,
    deadLetter,
  }) => {
    const backoffSettings = backoff ? { minSeconds: 1, maxSeconds: 900, factor: 2, jitter: 0.5 } : null;
    const room = roomForContents(count, 24, backoffSettings, deadLetter);
    const bytes = storedBytes(encodeLease(leased(count, backoff, deadLetter, 'x'.repeat(Math.max(0, room)))));
    expect(bytes).toBeLessThanOrEqual(rowBytesMax);
    // The room allows for two digits of receives and failures, and for no flag.
    expect(bytes).toBeGreaterThan(rowBytesMax - 16);
  });

  it("the room for contents shrinks by each character of the row's id", () => {
    expect(roomForContents(1, 24, null, false) - roomForContents(1, 100, null, false)).toBe(76);
  });

  it('the room for contents of more messages than a row takes is that of a full parcel', () => {
    expect(roomForContents(100, 24, null, false)).toBe(roomForContents(parcelSlotsMax, 24, null, false));
  });
});
