import { describe, expect, it } from 'vitest';
import { encodeMarker, type MarkedPlace, type Marker, ownIdOf } from '../../../engine/model/marker.ts';
import { decodeLease, decodeParcel, encodeLease, encodeParcel, encodeTombstone } from '../../../engine/model/row-codec.ts';
import type { GroupLeaseRow, Parcel, Tombstone } from '../../../engine/model/rows.ts';

const noon = Date.UTC(2026, 0, 1, 12);
const marks: MarkedPlace = { group: 'abcdefgh~key', parcel: 'p1', slot: 2, at: noon };
const ownRows = ['abcdefgh=order-1', '', 'parcel-key.3', 'other123=order-2'];
const content = { text: '[[1]]' };

describe('a marker', () => {
  it('a marker is decoded as it was encoded, and is in no index', () => {
    for (const marker of [
      { id: 'abcdefgh=order-1', version: 'v', marks },
      { id: 'abcdefgh=order-1', version: 'v', marks, ttl: noon / 1000 },
    ] satisfies Marker[]) {
      const row = encodeMarker(marker);
      expect(decodeLease(row)).toEqual({ marker });
      expect(row).not.toHaveProperty('expiry');
    }
  });

  it('a tombstone with the place of its message is no marker of a message that lives', () => {
    const tombstone: Tombstone = {
      id: 'abcdefgh=a',
      version: 'v',
      slots: [{ token: 't' }],
      until: noon,
      marks: { ...marks, keptUntil: noon },
    };
    expect(decodeLease(encodeTombstone(tombstone))).toEqual({ tombstone });
  });

  it('a damaged marker is no marker', () => {
    const row = { ...encodeMarker({ id: 'abcdefgh=a', version: 'v', marks }), marks: { group: 'abcdefgh~key' } };
    expect(decodeLease(row)).not.toHaveProperty('marker');
  });
});

describe('own ids in a group', () => {
  const parcel: Parcel = { shard: 'abcdefgh~key', id: 'p1', count: 4, since: noon, content, ownRows };
  const slots = ownRows.map(() => ({ visibleAt: noon, receives: 0, failures: 0 }));
  const lease: GroupLeaseRow = {
    ...{ kind: 'group', id: 'abcdefgh~key', shard: 'abcdefgh:0', version: 'v', slots, since: noon, content, ownRows },
    group: { name: 'g', head: 'p1', tail: 'p1' },
  };

  it('a parcel and the row of its group list the own ids of their messages by slot', () => {
    expect(decodeParcel(encodeParcel(parcel, false))).toEqual(parcel);
    expect(decodeLease(encodeLease(lease))).toEqual({ lease });
    expect([0, 1, 2, 3].map((slot) => ownIdOf(parcel, slot))).toEqual(['order-1', undefined, 'parcel-key~3', 'order-2']);
  });

  it('an own id of the queue itself is stored without what names the queue', () => {
    expect(encodeParcel(parcel, false).own).toEqual(['order-1', '', '~parcel-key.3', '~other123=order-2']);
  });

  it('rows whose messages have no own ids store no list', () => {
    expect(encodeParcel({ ...parcel, ownRows: ['', ''] }, false)).not.toHaveProperty('own');
    expect(encodeLease({ ...lease, ownRows: [] })).not.toHaveProperty('own');
  });

  it('a parcel whose times are damaged is unreadable', () => {
    for (const damage of [{ visibleAt: 'soon' }, { publishedAt: 'once' }]) {
      const { content: shown, visibleAt, publishedAt } = decodeParcel({ ...encodeParcel(parcel, false), ...damage });
      expect(shown).not.toEqual(content);
      expect([visibleAt, publishedAt]).toEqual([undefined, undefined]);
    }
  });

  it('a delayed parcel is decoded with the instant from which it can be received', () => {
    expect(decodeParcel(encodeParcel({ ...parcel, visibleAt: noon + 1 }, false))).toEqual({ ...parcel, visibleAt: noon + 1 });
    expect(encodeParcel({ ...parcel, visibleAt: noon }, false)).not.toHaveProperty('visibleAt');
  });
});
