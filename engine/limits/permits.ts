/**
 * Permits: what a queue with limits knows of the messages that are out. All of a queue's permits are one row of `leases`, which no index
 * shows. Those of one receive stand under its token, with the time at which they end by themselves. A message parts from them, under its
 * mark, when its lease is over (0) or extended (the time of its own): so whatever is told twice counts once.
 *
 * The rate is a leaky bucket, kept as the instant at which all that was taken has drained: GCRA, https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
 */
import { createHash } from 'node:crypto';
import type { QueueLimits } from '../../contract/contract.ts';
import { clockMarginMs, tombstoneMs } from '../../contract/limits.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import type { Receipt } from '../model/receipts.ts';
import type { Condition, Path, Row, Value } from '../port/port.ts';

/** Of the messages of one receive. */
interface Held {
  /** When they were granted, or given a longer time; undefined in rows of an earlier version. Their messages are hardly newer: see `isNewer`. */
  at?: number;
  until: number;
  count: number;
  /** By mark, the messages that no longer end with the others. */
  apart: Record<string, number>;
}

/** What was taken since the bucket was empty, when that was, ms, and how long each message takes to drain, ms. No sum of fractions: those would drift. */
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

/** A message of a receive. */
export interface Marked {
  token: string;
  mark: string;
}

/** What one receive was permitted. */
export interface Grant {
  token: string;
  at: number;
  count: number;
  flow?: Flow;
}

/** Ms by which numbers may be off that were rounded in each sum. */
const roundingMs = 0.001;
/** 40 bits: among the hundred messages of a receive, two with the same mark come once in two hundred million. */
const markBytes = 5;

/** No receipt can name it: see `parseReceipt`. */
export function permitsRowId({ incarnation }: Pick<QueueRecord, 'incarnation'>): string {
  return `${incarnation}!limits`;
}

export function markOf({ rowId, slot, token }: Pick<Receipt, 'rowId' | 'slot' | 'token'>): Marked {
  const digest = createHash('sha256').update(`${rowId} ${slot}`).digest();
  return { token, mark: digest.subarray(0, markBytes).toString('hex') };
}

export function readPermits(row: Row | undefined): Permits {
  const held = Object.entries((row?.held ?? {}) as Record<string, Row>).map(([token, { a, u, n, g }]): [string, Held] => [
    token,
    {
      ...(a === undefined ? {} : { at: a as number }),
      until: u as number,
      count: n as number,
      apart: g as Record<string, number>,
    },
  ]);
  const { since, taken, every } = (row ?? {}) as Partial<Record<keyof Flow, number>>;
  const flow = since === undefined ? {} : { flow: { since, taken: taken!, every: every! } };
  return { held: Object.fromEntries(held), ...flow };
}

/** TTL removes the row when nothing of it has counted for long: a row without permits says as much as none. */
export function permitsRow(id: string, version: string, { held, flow }: Permits, now: number): Row {
  const ends = Object.values(held).flatMap(({ until, apart }) => [until, ...Object.values(apart)]);
  const last = Math.max(now, flow ? drained(flow) : 0, ...ends);
  return {
    id,
    version,
    held: Object.fromEntries(
      Object.entries(held).map(([token, { at, until, count, apart }]) => [
        token,
        { ...(at === undefined ? {} : { a: at }), u: until, n: count, g: { ...apart } },
      ]),
    ),
    ...flow,
    ttl: Math.ceil((last + tombstoneMs) / 1000),
  };
}

const together = ({ until, count, apart }: Held, now: number) =>
  until > now ? Math.max(0, count - Object.keys(apart).length) : 0;
const alone = ({ apart }: Held, now: number) => Object.values(apart).filter((until) => until > now).length;

/** Messages that may be under a lease now. */
export function outAt({ held }: Permits, now: number): number {
  return Object.values(held).reduce((sum, one) => sum + together(one, now) + alone(one, now), 0);
}

/** Without those of which nothing counts any more. */
function pruned(held: Permits['held'], now: number): Permits['held'] {
  return Object.fromEntries(Object.entries(held).filter(([, one]) => together(one, now) + alone(one, now) > 0));
}

/**
 * Whether messages entered their queue later than what was granted at `at` may be used for. A receive is granted permits after it has read of its
 * messages, so that clocks alone make a message look newer, by two margins at the most.
 */
export function isNewer(since: number, at: number): boolean {
  return since > at + 2 * clockMarginMs;
}

/** Without those for messages that a purge removed: all that were granted so early that none of their messages can be newer than the purge. */
export function withoutPurged({ held, ...rest }: Permits, purgedBefore: number): Permits {
  const isPurged = ({ at }: Held) => at !== undefined && isNewer(purgedBefore, at);
  return { ...rest, held: Object.fromEntries(Object.entries(held).filter(([, one]) => !isPurged(one))) };
}

/** Up to `want` permits that end at `until`; what stood under the token before is void, for nothing was delivered by it. */
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
  const mine = concurrency === null ? {} : { [token]: { at: now, until, count, apart: {} } };
  return {
    permits: { held: { ...counting, ...mine }, ...(after ? { flow: after } : {}) },
    grant: { token, at: now, count, ...(after ? { flow: after } : {}) },
  };
}

/** A bucket takes what the rate gives in a second, and one message at least. After a change of the rate it is as full as it was. */
function bucketAt(flow: Flow | undefined, ratePerSecond: number, now: number): { room: number; flow: Flow } {
  const every = 1000 / ratePerSecond;
  const size = Math.max(1, ratePerSecond);
  const toDrain = flow ? Math.max(0, drained(flow) - now) : 0;
  if (flow?.every === every && toDrain > 0) return { room: Math.floor((size * every - toDrain + roundingMs) / every), flow };
  const full = flow ? Math.min(size, toDrain / flow.every) : 0;
  return { room: Math.floor(size - full + roundingMs / every), flow: { since: now + full * every, taken: 0, every } };
}

/**
 * With only so many of the granted, the others given back; undefined where nothing is to be changed. What the rate counted is given back
 * unless another has taken since: then it can not be told how much of it has drained.
 */
export function usedOnly({ held, flow }: Permits, grant: Grant, used: number): Permits | undefined {
  const { [grant.token]: mine, ...others } = held;
  const isLast = flow !== undefined && flow.since === grant.flow?.since && flow.taken === grant.flow.taken;
  if (!isLast && (mine === undefined || mine.count <= used)) return undefined;
  const left = isLast ? { ...flow, taken: flow.taken - (grant.count - used) } : flow;
  const kept = mine && used > 0 ? { [grant.token]: { ...mine, count: used } } : {};
  return { held: { ...others, ...kept }, ...(left ? { flow: left } : {}) };
}

/** Those of which it is not noted yet that they are over. What stands anew since an extend is for that message alone (`lengthened`). */
export function unreturned({ held }: Permits, marked: readonly Marked[]): Marked[] {
  return marked.filter(({ token, mark }) => {
    const own = held[token]?.apart[mark] ?? held[token]?.until;
    return own !== undefined && own !== 0;
  });
}

/**
 * Notes that their leases are over: in place, whatever the others in the row do meanwhile. Only where it is not noted yet: a copy that
 * comes late would bring its version back, and with that any late copy of a write that rests on that version.
 */
export function returning(marked: readonly Marked[], version: string): { when: Condition; set: [Path, Value][] } {
  const placeOf = ({ token, mark }: Marked): Path => ['held', token, 'g', mark];
  const isUnreturned = (one: Marked): Condition[] => [
    { not: { equals: [placeOf(one), 0] } },
    { any: [{ exists: placeOf(one) }, { not: { equals: [['held', one.token, 'u'], 0] } }] },
  ];
  const stands = [...new Set(marked.map(({ token }) => token))].map((token): Condition => ({ exists: ['held', token] }));
  return {
    when: { all: [...stands, ...marked.flatMap(isUnreturned)] },
    set: [[['version'], version], ...marked.map((one): [Path, Value] => [placeOf(one), 0])],
  };
}

/** The permits of messages whose leases are to end at another time. */
export interface Lengthened {
  permits: Permits;
  /** Those that have none, and none is free for. */
  refused: Marked[];
  /** Of the others, when the permit of each ends now; in the order in which they were asked for. */
  ends: { marked: Marked; end: number }[];
}

/**
 * Permits for these messages until then, or for longer where they have one. Each of them gets another end than it had: a shortening that rests on
 * the former end is refused by that (`shortened`).
 */
export function lengthened(
  { held, flow }: Permits,
  concurrency: number,
  marked: readonly Marked[],
  { now, until }: { now: number; until: number },
): Lengthened {
  const permits: Permits = { held: structuredClone(held), ...(flow ? { flow } : {}) };
  const refused: Marked[] = [];
  const ends: Lengthened['ends'] = [];
  for (const one of marked) {
    const { token, mark } = one;
    const mine = permits.held[token];
    const own = mine?.apart[mark];
    const former = own ?? mine?.until ?? 0;
    if (own === 0 || (former <= now && outAt(permits, now) >= concurrency)) {
      refused.push(one);
      continue;
    }
    const end = former < until ? until : former + 1;
    permits.held[token] = mine ?? { at: now, until: 0, count: 0, apart: {} };
    permits.held[token].apart[mark] = end;
    ends.push({ marked: one, end });
  }
  permits.held = pruned(permits.held, now);
  return { permits, refused, ends };
}

/** The permits of messages whose leases end earlier by now than these did; undefined where no permit is still as it was lengthened. */
export function shortened(
  { held, flow }: Permits,
  changes: readonly { marked: Marked; end: number; until: number }[],
): Permits | undefined {
  const permits: Permits = { held: structuredClone(held), ...(flow ? { flow } : {}) };
  let changed = false;
  for (const { marked, end, until } of changes) {
    const apart = permits.held[marked.token]?.apart;
    if (apart?.[marked.mark] !== end || until >= end) continue;
    apart[marked.mark] = until;
    changed = true;
  }
  return changed ? permits : undefined;
}
