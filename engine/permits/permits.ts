/**
 * Permits: for a queue with limits, one row of `leases` (in no index) records the messages in flight. A receive's permits are stored under its
 * token and expire together. Releasing or extending one message adds an override for it under its mark: 0, or an end of its own. So repeating
 * either is idempotent.
 * The rate is a leaky bucket, GCRA: https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
 */
import { hash } from 'node:crypto';
import type { QueueLimits } from '../../contract/contract.ts';
import { defined } from '../../contract/defined.ts';
import { clockMarginMs, tombstoneMs } from '../../contract/limits.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import type { Receipt } from '../model/receipts.ts';
import type { Condition, Path, Row, Value } from '../port/port.ts';

/** The permits of one receive. */
interface Held {
  /** When they were granted, or created by an extend; their messages are older (`isNewer`). Undefined in rows of an earlier version. */
  at?: number;
  until: number;
  count: number;
  /** By mark: the permits that do not end at `until` but at a time of their own; 0: returned. */
  apart: Record<string, number>;
}

/** The leaky bucket: when it was last empty (ms), messages taken since, and how long each takes to drain (ms). A stored sum would drift. */
interface Flow {
  since: number;
  taken: number;
  every: number;
}

const drained = ({ since, taken, every }: Flow) => since + taken * every;

export interface Permits {
  held: Record<string, Held>;
  flow?: Flow;
}

/** One message of a receive: the receive's token, and a short hash of the row and slot. */
export interface Marked {
  token: string;
  mark: string;
}

/** The permits that one receive was granted. */
export interface Grant {
  token: string;
  at: number;
  count: number;
  flow?: Flow;
}

/** Rounding tolerance, ms. */
const roundingMs = 0.001;
/** 40 bits: two of the hundred messages of a receive share a mark in one of two hundred million receives. */
const markBytes = 5;

/** No receipt can name this row: `parseReceipt` accepts no `!`. */
export function permitsRowId({ incarnation }: Pick<QueueRecord, 'incarnation'>): string {
  return `${incarnation}!limits`;
}

export function markOf({ rowId, slot, token }: Pick<Receipt, 'rowId' | 'slot' | 'token'>): Marked {
  return { token, mark: hash('sha256', `${rowId} ${slot}`).slice(0, 2 * markBytes) };
}

export function readPermits(row: Row | undefined): Permits {
  const held = Object.entries((row?.held ?? {}) as Record<string, Row>).map(([token, { a, u, n, g }]): [string, Held] => [
    token,
    { ...defined({ at: a as number | undefined }), until: u as number, count: n as number, apart: g as Record<string, number> },
  ]);
  const { since, taken, every } = (row ?? {}) as Partial<Record<keyof Flow, number>>;
  const flow = since === undefined ? {} : { flow: { since, taken: taken!, every: every! } };
  return { held: Object.fromEntries(held), ...flow };
}

/** TTL removes the row `tombstoneMs` after the last permit ends and the bucket is empty: by then no row means the same. */
export function permitsRow(id: string, version: string, { held, flow }: Permits, now: number): Row {
  const ends = Object.values(held).flatMap(({ until, apart }) => [until, ...Object.values(apart)]);
  const last = Math.max(now, flow ? drained(flow) : 0, ...ends);
  return {
    id,
    version,
    held: Object.fromEntries(
      Object.entries(held).map(([token, { at, until, count, apart }]) => [
        token,
        { ...defined({ a: at }), u: until, n: count, g: { ...apart } },
      ]),
    ),
    ...flow,
    ttl: Math.ceil((last + tombstoneMs) / 1000),
  };
}

const together = ({ until, count, apart }: Held, now: number) =>
  until > now ? Math.max(0, count - Object.keys(apart).length) : 0;
const alone = ({ apart }: Held, now: number) => Object.values(apart).filter((until) => until > now).length;

/** How many messages may be under a lease now. */
export function outAt({ held }: Permits, now: number): number {
  return Object.values(held).reduce((sum, one) => sum + together(one, now) + alone(one, now), 0);
}

/** Drops receives without a permit that still counts. */
function pruned(held: Permits['held'], now: number): Permits['held'] {
  return Object.fromEntries(Object.entries(held).filter(([, one]) => together(one, now) + alone(one, now) > 0));
}

/**
 * Whether a message that entered its queue at `since` is too new for permits granted at `at`. A receive is granted permits after it has read
 * its messages, so only clocks make a message look newer, by at most two margins.
 */
export function isNewer(since: number, at: number): boolean {
  return since > at + 2 * clockMarginMs;
}

/** Drops permits whose messages a purge removed: those granted so early that none of their messages can be newer than the purge. */
export function withoutPurged({ held, ...rest }: Permits, purgedBefore: number): Permits {
  const isPurged = ({ at }: Held) => at !== undefined && isNewer(purgedBefore, at);
  return { ...rest, held: Object.fromEntries(Object.entries(held).filter(([, one]) => !isPurged(one))) };
}

/** Grants up to `want` permits that end at `until`. They replace earlier ones of this token, with which nothing was delivered. */
export function granted(
  { held, flow }: Permits,
  { concurrency, ratePerSecond }: QueueLimits,
  { token, want, now, until }: { token: string; want: number; now: number; until: number },
): { permits: Permits; grant: Grant } {
  const { [token]: _, ...others } = held;
  const counting = pruned(others, now);
  const free = concurrency === null ? want : concurrency - outAt({ held: counting }, now);
  const bucket = ratePerSecond === null ? undefined : bucketAt(flow, ratePerSecond, now);
  const count = Math.max(0, Math.min(want, free, bucket?.room ?? want));
  const after = bucket && { ...bucket.flow, taken: bucket.flow.taken + count };
  const own = concurrency === null ? {} : { [token]: { at: now, until, count, apart: {} } };
  return {
    permits: { held: { ...counting, ...own }, ...defined({ flow: after }) },
    grant: { token, at: now, count, ...defined({ flow: after }) },
  };
}

/** The bucket now, and its room. Its size is what the rate allows in a second, at least 1. A new rate leaves as many messages in it. */
function bucketAt(flow: Flow | undefined, ratePerSecond: number, now: number): { room: number; flow: Flow } {
  const every = 1000 / ratePerSecond;
  const size = Math.max(1, ratePerSecond);
  const toDrain = flow ? Math.max(0, drained(flow) - now) : 0;
  if (flow?.every === every && toDrain > 0) return { room: Math.floor((size * every - toDrain + roundingMs) / every), flow };
  const full = flow ? Math.min(size, toDrain / flow.every) : 0;
  return { room: Math.floor(size - full + roundingMs / every), flow: { since: now + full * every, taken: 0, every } };
}

/**
 * Keeps `used` of the granted permits and returns the rest; undefined if nothing changes. The bucket gets its share back only if no other
 * receive has taken since: after that it is unknown how much of the share has drained.
 */
export function usedOnly({ held, flow }: Permits, grant: Grant, used: number): Permits | undefined {
  const { [grant.token]: granted, ...others } = held;
  const isLast = flow !== undefined && flow.since === grant.flow?.since && flow.taken === grant.flow.taken;
  if (!isLast && (granted === undefined || granted.count <= used)) return undefined;
  const left = isLast ? { ...flow, taken: flow.taken - (grant.count - used) } : flow;
  const kept = granted && used > 0 ? { [grant.token]: { ...granted, count: used } } : {};
  return { held: { ...others, ...kept }, ...defined({ flow: left }) };
}

/** The messages whose permits are not returned yet. An entry that an extend created (`until` 0) covers only the marks that it lists. */
export function unreturned({ held }: Permits, marked: readonly Marked[]): Marked[] {
  return marked.filter(({ token, mark }) => {
    const own = held[token]?.apart[mark] ?? held[token]?.until;
    return own !== undefined && own !== 0;
  });
}

/**
 * Marks permits as returned: an update in place, independent of concurrent changes to the row. The condition requires that none is marked yet. A
 * delayed duplicate would otherwise restore its old version and revive delayed writes that depend on it.
 */
export function returning(marked: readonly Marked[], version: string): { when: Condition; set: [Path, Value][] } {
  const placeOf = ({ token, mark }: Marked): Path => ['held', token, 'g', mark];
  const isUnreturned = (one: Marked): Condition[] => [
    { not: { equals: [placeOf(one), 0] } },
    { any: [{ exists: placeOf(one) }, { not: { equals: [['held', one.token, 'u'], 0] } }] },
  ];
  const exist = [...new Set(marked.map(({ token }) => token))].map((token): Condition => ({ exists: ['held', token] }));
  return {
    when: { all: [...exist, ...marked.flatMap(isUnreturned)] },
    set: [[['version'], version], ...marked.map((one): [Path, Value] => [placeOf(one), 0])],
  };
}

/** The permits after an extend. */
export interface Lengthened {
  permits: Permits;
  /** Messages whose permit was returned, or has expired while none is free. */
  refused: Marked[];
  /** For each other message, in the order of the request: when its permit ends now. */
  ends: { marked: Marked; end: number }[];
}

/**
 * Makes the permits of these messages last until `until`, or longer if they already do. Every permit gets a new end, so that a concurrent
 * shortening based on the former end has no effect (`shortened`).
 */
export function lengthened(
  { held, flow }: Permits,
  concurrency: number,
  marked: readonly Marked[],
  { now, until }: { now: number; until: number },
): Lengthened {
  const permits: Permits = { held: structuredClone(held), ...defined({ flow }) };
  const refused: Marked[] = [];
  const ends: Lengthened['ends'] = [];
  for (const one of marked) {
    const { token, mark } = one;
    const granted = permits.held[token];
    const own = granted?.apart[mark];
    const former = own ?? granted?.until ?? 0;
    if (own === 0 || (former <= now && outAt(permits, now) >= concurrency)) {
      refused.push(one);
      continue;
    }
    const end = former < until ? until : former + 1;
    permits.held[token] = granted ?? { at: now, until: 0, count: 0, apart: {} };
    permits.held[token].apart[mark] = end;
    ends.push({ marked: one, end });
  }
  permits.held = pruned(permits.held, now);
  return { permits, refused, ends };
}

/** Shortens permits to the ends of their leases; undefined if no permit still has the end that its extend gave it. */
export function shortened(
  { held, flow }: Permits,
  changes: readonly { marked: Marked; end: number; until: number }[],
): Permits | undefined {
  const permits: Permits = { held: structuredClone(held), ...defined({ flow }) };
  let changed = false;
  for (const { marked, end, until } of changes) {
    const apart = permits.held[marked.token]?.apart;
    if (apart?.[marked.mark] !== end || until >= end) continue;
    apart[marked.mark] = until;
    changed = true;
  }
  return changed ? permits : undefined;
}
