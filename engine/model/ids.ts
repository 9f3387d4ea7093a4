/**
 * Ids of parcels and messages. A parcel's id is 24 characters of Crockford's base 32: 9 of time (ms), 2 of sequence within
 * that ms (so that one process's parcels stay in the order of publishing), 2 of shard, 1 of priority level, 10 random. It
 * sorts by time, and says where its row lies. A message's id is its parcel's and its slot: `parcel~slot`; in a group, the group's key
 * stands between them, for there the parcel lies in the group's partition: `parcel-key~slot`. No caller's own id has a `~`. Rows are named with
 * a dot in its place.
 */
import type { Clock, Random } from '../port/port.ts';
import { base32 } from '../port/random.ts';

const timeChars = 9;
const sequenceChars = 2;
const shardChars = 2;
const levelChars = 1;
const randomChars = 10;
const parcelIdChars = timeChars + sequenceChars + shardChars + levelChars + randomChars;
/** Where the number of the shard begins. */
const shardAt = timeChars + sequenceChars;
const sequenceEnd = 32 ** sequenceChars;

/** See `laneOf`: 12 of the group's name, 1 of the lane. */
export const groupKeyChars = 13;
/** Between a parcel and its slot, in the id that a caller sees. */
const slotMark = '~';
const serverForm = new RegExp(`^[${base32}]{${parcelIdChars}}(?:-[${base32}]{${groupKeyChars}})?${slotMark}[0-9]$`);

function encode(number: number, chars: number): string {
  let text = '';
  let rest = number;
  for (let i = 0; i < chars; i++) {
    text = base32[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

function decode(text: string): number {
  let number = 0;
  for (const char of text) number = number * 32 + base32.indexOf(char);
  return number;
}

/** Makes ids that this process never makes again, and nobody else (50 random bits within a ms, sequence number and shard). */
export function createIds(clock: Clock, random: Random) {
  let lastMs = 0;
  let sequence = 0;
  const id = (ms: number, order: number, shard: number, level: number) =>
    encode(ms, timeChars) +
    encode(order, sequenceChars) +
    encode(shard, shardChars) +
    encode(level, levelChars) +
    random.chars(randomChars);
  return {
    parcel(shard: number, level = 0, ms = clock.now()): string {
      sequence = ms === lastMs ? (sequence + 1) % sequenceEnd : 0;
      lastMs = ms;
      return id(ms, sequence, shard, level);
    },
    /** So many in order, all of them after this one. */
    parcelsAfter(last: string, count: number): string[] {
      const ms = Math.max(clock.now(), last === '' ? 0 : decode(last.slice(0, timeChars)) + 1);
      return Array.from({ length: count }, (_, index) => id(ms, index, 0, 0));
    },
  };
}

export type Ids = ReturnType<typeof createIds>;

/** What ids of parcels that are made from this instant on begin with, or come after. */
export function idFrom(ms: number): string {
  return encode(Math.max(0, Math.floor(ms)), timeChars);
}

/** Whether an id is of the form that the queue makes, rather than a caller's own. */
export function isServerId(id: string): boolean {
  return serverForm.test(id);
}

export interface MessageId {
  parcel: string;
  slot: number;
  shard: number;
  level: number;
  /** The key of its group. */
  group?: string;
}

/** The parts of a message's id made by the queue. */
export function parseMessageId(id: string): MessageId {
  const parcel = id.slice(0, parcelIdChars);
  const rest = id.slice(parcelIdChars);
  const part = (from: number, chars: number) => decode(parcel.slice(from, from + chars));
  return {
    parcel,
    slot: Number(rest.split(slotMark)[1]),
    shard: part(shardAt, shardChars),
    level: part(shardAt + shardChars, levelChars),
    ...(rest.startsWith('-') ? { group: rest.slice(1, 1 + groupKeyChars) } : {}),
  };
}

/** The id of a group's row, and the partition of its messages. */
export function groupRowId(incarnation: string, key: string): string {
  return `${incarnation}~${key}`;
}

export function isGroupRow(rowId: string): boolean {
  return rowId.includes('~');
}

export function groupKeyOf(rowId: string): string {
  return rowId.slice(rowId.indexOf('~') + 1);
}

/** The id of the row that holds a message under the caller's own id: unique within the queue's incarnation. */
export function ownRowId(incarnation: string, id: string): string {
  return `${incarnation}=${id}`;
}

/** The id of a message published under a `dedupKey`. No caller's own id has an `@`. */
export function keyedId(dedupKey: string): string {
  return `@${dedupKey}`;
}

/** Whether it is the row of a key, of which there is one. */
export function isKeyedRow(rowId: string): boolean {
  return /=@[^@]*$/.test(rowId);
}

/** The row of a message that was published under a key and left the key's row. */
export function unkeyedRowId(keyedRow: string, unique: string): string {
  return `${keyedRow}@${unique}`;
}

/** The id that a caller sees for a slot of a row. */
export function messageId(rowId: string, slot: number): string {
  const own = rowId.indexOf('=');
  if (own >= 0) return rowId.slice(own + 1);
  return rowId.includes('.') ? rowId.replace('.', slotMark) : `${rowId}${slotMark}${slot}`;
}

/** The row that shows what is kept of a group's parcel when the group has gone on. */
export function keptRowId(parcel: string, groupKey: string): string {
  return `${parcel}-${groupKey}`;
}

/** The row of its own that a message of a parcel gets when it leaves its parcel. */
export function slotRowId(parcel: string, slot: number): string {
  return `${parcel}.${slot}`;
}
