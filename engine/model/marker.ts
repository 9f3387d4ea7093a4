/**
 * Markers: rows of `leases` by which a message of a group is found under its own id, or met under its dedup key. A marker has the id that the
 * row of such a message has outside groups, so the id or key is taken in the whole queue. It is in no index, and says where the message is.
 * The marker of an own id becomes a tombstone when its message ends, or the row of the message when that leaves the group. The marker of
 * a key is a tombstone from the beginning, because the key is taken until its window ends, whatever becomes of the message.
 */
import { defined } from '../../contract/defined.ts';
import type { Row, Value } from '../port/port.ts';
import { groupKeyOf, keptRowId, messageId, ownRowId } from './ids.ts';
import { incarnationOf } from './queue-record.ts';

/** The message of a marker, and when it was published, ms. */
export interface MarkedPlace {
  /** The partition of the group, which is also the id of its row. */
  group: string;
  parcel: string;
  slot: number;
  at: number;
  /** If the message has ended and is kept: until when, ms. */
  keptUntil?: number;
  /** If the message was cancelled in the row of its group: its slot there. */
  rowSlot?: number;
}

/** The marker of an own id whose message has not ended. */
export interface Marker {
  id: string;
  version: string;
  marks: MarkedPlace;
  /** When TTL may remove it, epoch seconds; undefined: never, while its message lives. */
  ttl?: number;
}

/** The id that the queue generates for this message. It has another one if it has an own id. */
export function generatedIdOf({ group, parcel, slot }: Pick<MarkedPlace, 'group' | 'parcel' | 'slot'>): string {
  return messageId(keptRowId(parcel, groupKeyOf(group)), slot);
}

/** The marker of each slot by its id, or an empty text for a message without an own id. */
export interface OwnRows {
  ownRows?: readonly string[];
}

export function encodeMarker({ id, version, marks, ttl }: Marker): Row {
  return defined({ id, version, marks: encodeMarks(marks), ttl });
}

/** Undefined: the row is no marker of a message that lives. */
export function decodeMarker(row: Row): Marker | undefined {
  const marks = decodeMarks(row);
  if (!marks || row.until !== undefined || typeof row.version !== 'string') return undefined;
  return defined({ id: row.id as string, version: row.version, marks, ttl: row.ttl as number | undefined });
}

export function encodeMarks({ keptUntil: kept, rowSlot: row, ...place }: MarkedPlace): Row {
  return defined({ ...place, kept, row });
}

export function decodeMarks({ marks }: Row): MarkedPlace | undefined {
  const { group, parcel, slot, at, kept, row } = (marks ?? {}) as Row;
  const isSound = typeof group === 'string' && typeof parcel === 'string' && typeof slot === 'number' && typeof at === 'number';
  return isSound
    ? defined({ group, parcel, slot, at, keptUntil: kept as number | undefined, rowSlot: row as number | undefined })
    : undefined;
}

/** Begins a marker's id that is not an own id in the queue of its parcel. No own id contains it. */
const otherRow = '~';

/** `shard`: that of the row, which begins with the incarnation of its queue. */
export function encodeOwnRows(shard: string, { ownRows }: OwnRows): { own?: Value } {
  if (!ownRows?.some((id) => id !== '')) return {};
  const own = ownRowId(incarnationOf(shard), '');
  return { own: ownRows.map((id) => (id === '' ? '' : id.startsWith(own) ? id.slice(own.length) : `${otherRow}${id}`)) };
}

export function decodeOwnRows({ shard, own }: Row): OwnRows {
  if (!Array.isArray(own) || typeof shard !== 'string') return {};
  const row = (text: string) => (text.startsWith(otherRow) ? text.slice(1) : ownRowId(incarnationOf(shard), text));
  return { ownRows: own.map((text) => (typeof text === 'string' && text !== '' ? row(text) : '')) };
}

/** The id of the message in this slot, if it is an own one. */
export function ownIdOf({ ownRows }: OwnRows, slot: number): string | undefined {
  const row = ownRows?.[slot];
  return row ? messageId(row, 0) : undefined;
}
