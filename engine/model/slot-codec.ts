/**
 * Encodes and decodes slots, and the parcels that a group's row loaded with its first. Their attributes have names of one letter,
 * because ten slots and their bodies share 1 KB. The names are a stored format: never change them.
 */

import type { Path, Row, Value } from '../port/port.ts';
import { decodeStoredContent, encodeStoredContent, type StoredContent } from './content-codec.ts';
import type { LoadedParcel } from './held-parcels.ts';
import type { Death, EndedLease, GroupLeaseRow, LeaseRow, Slot } from './rows.ts';

export const slotNames = { visibleAt: 'v', token: 't', end: 'd', endedAt: 'a', keptUntil: 'k', result: 'o' } as const;

export function slotPath(slot: number, name: keyof typeof slotNames): Path {
  return ['slots', slot, slotNames[name]];
}

/**
 * The slots of a row. `first`: when the first of its messages was first received, after `since`. `i`: how much later that was for
 * another one, whose slot leaves out `r` if it was received once. A row of an earlier version may hold a message of which it is
 * unknown: then there is no `first`, and each `i` counts from `since`.
 */
export function encodeSlots({ slots, since }: Pick<LeaseRow, 'slots' | 'since'>): Row {
  const received = slots.filter(({ receives }) => receives > 0);
  const isKnown = received.length > 0 && received.every(({ firstReceivedAt }) => firstReceivedAt !== undefined);
  const first = isKnown ? Math.min(...received.map(({ firstReceivedAt }) => firstReceivedAt!)) : undefined;
  const encoded = slots.map((slot): Row => {
    const { receives, firstReceivedAt } = slot;
    if (receives === 0 || firstReceivedAt === undefined || firstReceivedAt === first) return encodeSlot(slot);
    return { ...encodeSlot({ ...slot, receives: receives === 1 ? 0 : receives }), i: firstReceivedAt - (first ?? since) };
  });
  return { slots: encoded, ...(first === undefined ? {} : { first: first - since }) };
}

export function decodeSlots({ slots, since, first }: Row): Slot[] {
  return (slots as Row[]).map((row): Slot => {
    const slot = decodeSlot(row);
    const later = row.i as number | undefined;
    if (later !== undefined) slot.receives ||= 1;
    if (slot.receives === 0 || (first === undefined && later === undefined)) return slot;
    return { ...slot, firstReceivedAt: (since as number) + ((first as number | undefined) ?? 0) + (later ?? 0) };
  });
}

export function encodeSlot(slot: Slot): Row {
  const row: { [name: string]: Value } = { v: slot.visibleAt };
  if (slot.token !== undefined) row.t = slot.token;
  if (slot.leasedUntil !== undefined) row.l = slot.visibleAt - slot.leasedUntil;
  if (slot.receives > 0) row.r = slot.receives;
  if (slot.failures > 0) row.f = slot.failures;
  const { errors = [], lastFailure } = slot;
  if (errors.length > 0) row.w = errors.map(({ at, text }) => [at, text]);
  if (lastFailure !== undefined && lastFailure !== errors.at(-1)?.text) row.e = lastFailure;
  if (slot.receivedAt !== undefined) row.s = slot.visibleAt - slot.receivedAt;
  if (slot.leases) row.m = encodeEndedLeases(slot.leases, slot.visibleAt);
  if (slot.died) row.x = diedRow(slot.died, lastFailure);
  if (slot.end) row.d = slot.end;
  if (slot.heldBy !== undefined) row.h = slot.heldBy;
  if (slot.progress !== undefined) row.g = slot.progress;
  if (slot.kept) {
    row.a = slot.kept.at;
    row.k = slot.kept.until;
  }
  if (slot.result) row.o = encodeStoredContent(slot.result);
  return row;
}

export function decodeSlot(row: Row): Slot {
  const slot: Slot = { visibleAt: row.v as number, receives: (row.r as number) ?? 0, failures: (row.f as number) ?? 0 };
  if (row.t !== undefined) slot.token = row.t as string;
  if (row.l !== undefined) slot.leasedUntil = slot.visibleAt - (row.l as number);
  if (row.w !== undefined) slot.errors = (row.w as [number, string][]).map(([at, text]) => ({ at, text }));
  const lastFailure = (row.e as string | undefined) ?? slot.errors?.at(-1)?.text;
  if (lastFailure !== undefined) slot.lastFailure = lastFailure;
  if (row.s !== undefined) slot.receivedAt = slot.visibleAt - (row.s as number);
  if (row.m !== undefined) slot.leases = decodeEndedLeases(row.m as LeasesRow, slot.visibleAt);
  if (row.x !== undefined) slot.died = readDied(row.x as DiedRow, lastFailure);
  if (row.h !== undefined) slot.heldBy = row.h as string;
  if (row.g !== undefined) slot.progress = row.g as number;
  if (row.k !== undefined) slot.kept = { at: row.a as number, until: row.k as number };
  if (row.o !== undefined) slot.result = decodeStoredContent(row.o as Row);
  if (row.d !== undefined) slot.end = row.d as NonNullable<Slot['end']>;
  return slot;
}

/**
 * The first letters of the outcomes, oldest first; then for each lease, the latest first, how long before the next one it ended,
 * and how long it lasted. The latest counts from `visibleAt`. Differences are shorter than instants.
 */
type LeasesRow = [outcomes: string, ...differences: number[]];

const outcomes: { [letter: string]: EndedLease['outcome'] } = { f: 'failed', r: 'released', e: 'expired' };

function encodeEndedLeases(leases: readonly EndedLease[], visibleAt: number): LeasesRow {
  let next = visibleAt;
  const differences = leases.toReversed().flatMap(({ at, endedAt }) => {
    const pair = [next - endedAt, endedAt - at];
    next = at;
    return pair;
  });
  return [leases.map(({ outcome }) => outcome[0]).join(''), ...differences];
}

function decodeEndedLeases([letters, ...differences]: LeasesRow, visibleAt: number): EndedLease[] {
  let next = visibleAt;
  const latestFirst = [...letters].toReversed().map((letter, index): EndedLease => {
    const endedAt = next - differences[2 * index]!;
    next = endedAt - differences[2 * index + 1]!;
    return { at: next, endedAt, outcome: outcomes[letter]! };
  });
  return latestFirst.toReversed();
}

/** Receives, failures, and the text of the last failure; `true` stands for the text in the slot's `lastFailure`. */
type DiedRow = (number | string | boolean)[];

function diedRow({ receives, failures, text }: NonNullable<Slot['died']>, lastFailure: string | undefined): DiedRow {
  return text === undefined ? [receives, failures] : [receives, failures, text === lastFailure ? true : text];
}

function readDied([receives, failures, text]: DiedRow, lastFailure: string | undefined): NonNullable<Slot['died']> {
  const told = text === true ? lastFailure : (text as string | undefined);
  return { receives: receives as number, failures: failures as number, ...(told === undefined ? {} : { text: told }) };
}

export function encodeMore({ firstId, parcels }: NonNullable<GroupLeaseRow['more']>): Row {
  return { i: firstId, p: parcels.map(encodeLoaded) };
}

export function decodeMore({ i, p }: Row): NonNullable<GroupLeaseRow['more']> {
  return { firstId: i as string, parcels: (p as Row[]).map(decodeLoaded) };
}

export function encodeLoaded({ id, count, since, publishedAt, retentionEnd, content, death }: LoadedParcel): Row {
  const row: Row = { i: id, s: since };
  if (publishedAt !== undefined) row.p = publishedAt;
  if (count > 1) row.n = count;
  if (retentionEnd !== undefined) row.x = retentionEnd;
  if (death) row.d = { ...death };
  if ('text' in content) row.b = content.text;
  else if ('deflated' in content) row.b = [content.deflated, content.size];
  else {
    const { offloaded, chunks, size, sharedUntil } = content;
    row.b = [offloaded, chunks, size, ...(sharedUntil === undefined ? [] : [sharedUntil])];
  }
  return row;
}

function decodeLoaded({ i, s, n, p, x, d, b }: Row): LoadedParcel {
  const parcel: LoadedParcel = { id: i as string, count: (n as number) ?? 1, since: s as number, content: contentFrom(b!) };
  if (p !== undefined) parcel.publishedAt = p as number;
  if (x !== undefined) parcel.retentionEnd = x as number;
  if (d !== undefined) parcel.death = d as unknown as Death;
  return parcel;
}

function contentFrom(stored: Value): StoredContent {
  if (typeof stored === 'string') return { text: stored };
  const [first, second, size, sharedUntil] = stored as Value[];
  if (first instanceof Uint8Array) return { deflated: first, size: second as number };
  const content = { offloaded: first as string, chunks: second as number, size: size as number };
  return sharedUntil === undefined ? content : { ...content, sharedUntil: sharedUntil as number };
}
