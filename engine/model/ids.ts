/**
 * Ids of parcels, messages and rows. Stored rows and callers hold them, so a change of their format breaks both.
 * A message's id is `parcel~slot`. In a group it is `parcel-key~slot`, because the parcel is in the group's partition.
 * Ids chosen by callers never contain `~`. Row ids have a dot instead of the `~`.
 */
import { parcelSlotsMax } from '../../contract/limits.ts';
import type { Clock, Random } from '../port/port.ts';
import { base32 } from '../port/random.ts';

/**
 * A parcel's id is 24 characters of Crockford's base 32: time (ms), sequence within that ms, shard, priority level, random.
 * It sorts by time and tells where the row is. The sequence keeps one process's parcels in the order of publishing.
 */
const timeChars = 9;
const sequenceChars = 2;
const shardChars = 2;
const levelChars = 1;
const randomChars = 10;
const parcelIdChars = timeChars + sequenceChars + shardChars + levelChars + randomChars;
/** The index at which the shard number begins. */
const shardAt = timeChars + sequenceChars;
const sequenceEnd = 32 ** sequenceChars;

/** 12 characters for the group's name and 1 for the lane: see `laneOf`. */
export const groupKeyChars = 13;
/** Separates the parcel from the slot in the id that a caller sees. */
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

/** Makes ids that are unique across processes: 50 random bits within one millisecond, sequence number and shard. */
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
    /** Makes `count` ids in order, all of which sort after `last`. */
    parcelsAfter(last: string, count: number): string[] {
      const ms = Math.max(clock.now(), last === '' ? 0 : decode(last.slice(0, timeChars)) + 1);
      return Array.from({ length: count }, (_, index) => id(ms, index, 0, 0));
    },
  };
}

export type Ids = ReturnType<typeof createIds>;

/** A lower bound: every id of a parcel made at or after this instant sorts at or after it. */
export function idFrom(ms: number): string {
  return encode(Math.min(Math.max(0, Math.floor(ms)), 32 ** timeChars - 1), timeChars);
}

const partOfId = new RegExp(`^[${base32}]{0,${parcelIdChars}}$|^[${base32}]{${parcelIdChars}}${slotMark}[0-9]?$`);

/** What the ids of parcels outside groups begin with, if those of their messages begin with `start`. Undefined: none does. */
export function parcelPrefix(start: string): string | undefined {
  return partOfId.test(start) ? start.slice(0, parcelIdChars) : undefined;
}

/** Whether an id has the form that the queue generates. Otherwise the caller chose it. */
export function isServerId(id: string): boolean {
  return serverForm.test(id);
}

export interface MessageId {
  parcel: string;
  slot: number;
  shard: number;
  level: number;
  /** The key of the message's group. */
  group?: string;
}

/** Parses a message id that the queue generated. */
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

/** A number that grows within a group in the order of publishing, below 10^18. Undefined for an id that a caller chose. */
export function orderOf(id: string): bigint | undefined {
  if (!isServerId(id)) return undefined;
  const { parcel, slot } = parseMessageId(id);
  return orderAt(decode(parcel.slice(0, timeChars)), decode(parcel.slice(timeChars, shardAt)), slot);
}

/** The least number of a message that was published at this instant. */
export function orderAt(ms: number, sequence = 0, slot = 0): bigint {
  return (BigInt(ms) * BigInt(sequenceEnd) + BigInt(sequence)) * BigInt(parcelSlotsMax) + BigInt(slot);
}

/** The id of a group's row, which is also the partition of its messages. */
export function groupRowId(incarnation: string, key: string): string {
  return `${incarnation}~${key}`;
}

export function isGroupRow(rowId: string): boolean {
  return rowId.includes('~');
}

export function groupKeyOf(rowId: string): string {
  return rowId.slice(rowId.indexOf('~') + 1);
}

/** The id of the row for a message whose id the caller chose: unique within the queue's incarnation. */
export function ownRowId(incarnation: string, id: string): string {
  return `${incarnation}=${id}`;
}

/** The id of a message published under a `dedupKey`. Ids chosen by callers never contain `@`. */
export function keyedId(dedupKey: string): string {
  return `@${dedupKey}`;
}

/** Whether the row is the one row of a `dedupKey`. */
export function isKeyedRow(rowId: string): boolean {
  return /=@[^@]*$/.test(rowId);
}

/** The id of the row for a message that was published under a `dedupKey` and has left the key's row. */
export function unkeyedRowId(keyedRow: string, unique: string): string {
  return `${keyedRow}@${unique}`;
}

/** The id that a caller sees for a slot of a row. */
export function messageId(rowId: string, slot: number): string {
  const own = rowId.indexOf('=');
  if (own >= 0) return rowId.slice(own + 1);
  return rowId.includes('.') ? rowId.replace('.', slotMark) : `${rowId}${slotMark}${slot}`;
}

/** The id of the row that shows the kept messages of a group's parcel after the group has advanced to the next one. */
export function keptRowId(parcel: string, groupKey: string): string {
  return `${parcel}-${groupKey}`;
}

/** The id of the row that a message gets when it leaves its parcel. */
export function slotRowId(parcel: string, slot: number): string {
  return `${parcel}.${slot}`;
}
