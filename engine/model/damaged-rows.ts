/**
 * Decodes rows that the queue did not write itself, because the table was edited by hand. Such a row decodes as a parcel
 * or lease with as many messages as it seems to hold. Each message is unreadable and shows the whole row.
 * A receive then sets them aside like any other unreadable message. No decoder throws.
 */
import { parcelSlotsMax } from '../../contract/limits.ts';
import type { Row, Value } from '../port/port.ts';
import { damagedContent, type StoredContent } from './content-codec.ts';
import { decodeGroup } from './group-row.ts';
import type { LeaseRow, Parcel } from './rows.ts';

/** More chunks than the largest parcel has. */
const chunksMax = 100;

export function isSoundParcel({ count, since, expiresAt, publishedAt, visibleAt, death, slot, ...row }: Row): boolean {
  const areTimes = isNumber(since) && [expiresAt, publishedAt, visibleAt].every((time) => isOptional(time, isNumber));
  return isCount(count) && areTimes && isOptional(death, isMap) && isOptional(slot, isSlot) && isStoredContent(row);
}

export function isSoundLease({ shard, version, slots, since, first, expiresAt, ...row }: Row): boolean {
  const areTimes = isNumber(since) && [expiresAt, first].every((time) => isOptional(time, isNumber));
  const isWhole = isText(version) && isText(shard) && areTimes && isStoredContent(row);
  return (
    isWhole &&
    Array.isArray(slots) &&
    slots.every(isSlot) &&
    isOptional(row.death, isMap) &&
    isOptional(row.group, isGroup) &&
    isOptional(row.more, isMore)
  );
}

/** A tombstone with `since` still shows its messages, so it must also be a sound lease. */
export function isSoundTombstone(row: Row): boolean {
  const { until, version, slots } = row;
  if (row.since !== undefined) return isNumber(until) && isSoundLease({ ...row, shard: row.shard ?? '' });
  return isNumber(until) && isText(version) && Array.isArray(slots) && slots.every(isMap);
}

export function damagedParcel(row: Row): Parcel {
  const { expiresAt } = row;
  return {
    ...{ shard: row.shard as string, id: row.id as string, count: parcelCount(row) },
    ...{ since: parcelSince(row), content: wholeRow(row) },
    ...(isNumber(expiresAt) ? { retentionEnd: expiresAt as number } : {}),
  };
}

/** How many messages a row of `messages` holds, or seems to hold. */
export function parcelCount({ count }: Row): number {
  return isCount(count) ? (count as number) : 1;
}

/** When a row of `messages` was published, ms; 0 if it does not say. */
export function parcelSince({ since }: Row): number {
  return isNumber(since) ? (since as number) : 0;
}

export function damagedLease(row: Row): LeaseRow {
  const { shard, version, slots, since, expiry, expiresAt, group } = row;
  const visibleAt = isNumber(expiry) ? (expiry as number) : 0;
  const count = Array.isArray(slots) && isCount(slots.length) ? slots.length : 1;
  return {
    ...{
      id: row.id as string,
      shard: isText(shard) ? (shard as string) : '',
      version: isText(version) ? (version as string) : '',
    },
    slots: Array.from({ length: count }, () => ({ visibleAt, receives: 0, failures: 0 })),
    ...{ since: isNumber(since) ? (since as number) : 0, content: wholeRow(row) },
    ...(isNumber(expiresAt) ? { retentionEnd: expiresAt as number } : {}),
    ...(isGroup(group) ? { kind: 'group', group: decodeGroup(group as Row) } : { kind: 'parcel' }),
  };
}

/** The whole row as JSON text, binary values as base64. */
function wholeRow(row: Row): StoredContent {
  const asText = (_: string, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value);
  return damagedContent(JSON.stringify(row, asText));
}

function isStoredContent({ bodies, size, beside, chunks, shared }: Row): boolean {
  if (isText(bodies)) return true;
  if (bodies !== undefined) return bodies instanceof Uint8Array && isNumber(size);
  const hasChunks = Number.isInteger(chunks) && (chunks as number) >= 0 && (chunks as number) <= chunksMax;
  return isText(beside) && isNumber(size) && hasChunks && isOptional(shared, isNumber);
}

function isSlot(slot: Value | undefined): boolean {
  if (!isMap(slot)) return false;
  const { v, t, l, r, i, f, s, m } = slot as Row;
  const areNumbers = [l, r, i, f, s].every((one) => isOptional(one, isNumber));
  return isNumber(v) && isOptional(t, isText) && areNumbers && isOptional(m, areLeases);
}

/** The ended leases of a slot. */
function areLeases(leases: Value | undefined): boolean {
  if (!Array.isArray(leases)) return false;
  const [letters, ...differences] = leases as Value[];
  if (typeof letters !== 'string' || !/^[fre]*$/.test(letters)) return false;
  return differences.length === 2 * letters.length && differences.every(isNumber);
}

function isGroup(group: Value | undefined): boolean {
  return isMap(group) && ['name', 'head', 'tail'].every((name) => isText((group as Row)[name]));
}

/** The parcels that a group's row loaded with its first. */
function isMore(more: Value | undefined): boolean {
  if (!isMap(more)) return false;
  const { i, p } = more as Row;
  return isText(i) && Array.isArray(p) && p.every(isLoaded);
}

function isLoaded(parcel: Value): boolean {
  if (!isMap(parcel)) return false;
  const { i, s, n, p, x, d, b } = parcel as Row;
  const isStored = isText(b) || (Array.isArray(b) && b.length >= 2 && b.slice(1).every(isNumber));
  return isText(i) && isNumber(s) && isStored && isOptional(d, isMap) && [n, p, x].every((one) => isOptional(one, isNumber));
}

const isText = (value: Value | undefined) => typeof value === 'string';
const isNumber = (value: Value | undefined) => typeof value === 'number';
const isCount = (value: Value | undefined) =>
  Number.isInteger(value) && (value as number) >= 1 && (value as number) <= parcelSlotsMax;
const isOptional = (value: Value | undefined, is: (value: Value | undefined) => boolean) => value === undefined || is(value);

function isMap(value: Value | undefined): boolean {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array);
}
