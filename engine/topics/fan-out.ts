/**
 * Delivers a publication step by step. A step is one transaction: messages for some subscriptions, and the publication's row moved
 * on past them, on condition of its version. So no step applies twice, whichever process makes it and however late a request
 * arrives. The process that published goes on until all messages are out or its time is over; then the sweep does.
 */
import { publicationLeaseMs } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { createRetryBudget, withRetry } from '../context/retry.ts';
import { removeChunks } from '../leases/removals.ts';
import { readSubscription, type SubscriptionRecord, subscriptionKey, subscriptionsOf } from '../model/topic-record.ts';
import { ignoreStoreError, StoreError, type Write } from '../port/port.ts';
import { transactionWritesMax } from '../port/row-writes.ts';
import { type Delivering, deliveriesOf } from './delivery.ts';
import type { Told } from './one-delivery.ts';
import {
  begunKey,
  begunWrite,
  firstRow,
  type PublicationRecord,
  publicationKey,
  publicationWrite,
  readPublication,
  removal,
} from './publication-record.ts';
import { createWriteCounts, type Share, sharesOf } from './shares.ts';
import type { TopicMessage } from './topic-message.ts';
import { writeTogether } from './write-together.ts';

/** Subscriptions that one step looks at, at most: with a rare match, it ends before the time of a call is over. */
const lookedAtMax = 2_000;
/** No more shares than this fit into one step. */
const pageRows = transactionWritesMax;

/** The next subscriptions of a topic in order of name; empty after the last one. */
export type Subscriptions = (after: string | undefined) => Promise<readonly SubscriptionRecord[]>;

export interface FanOut extends Delivering {
  messages: readonly TopicMessage[];
  subscriptions: Subscriptions;
}

export const tellsNothing: Told = { duplicate: () => {}, changed: () => {} };

/** The subscriptions of a list that is in order of name. */
export function listed(list: readonly SubscriptionRecord[]): Subscriptions {
  return async (after) => {
    const from = after === undefined ? 0 : list.findIndex(({ name }) => name > after);
    return from < 0 ? [] : list.slice(from, from + pageRows);
  };
}

/** The subscriptions as they are stored now. Works for a deleted topic, too. */
export function stored(ctx: Context, { topicIncarnation: incarnation }: PublicationRecord): Subscriptions {
  const range = { ...subscriptionsOf({ incarnation }), limit: pageRows };
  return async (after) => {
    const position = after === undefined ? {} : { after: positionOf(incarnation, after) };
    const { rows } = await ctx.store.range({ ...range, ...position });
    return rows.map(readSubscription);
  };
}

function positionOf(incarnation: string, name: string) {
  const { table: _, ...position } = subscriptionKey(incarnation, name);
  return position;
}

/** A write that applies once, together with the first step of a publication. */
export interface Beginning {
  write: Write;
  /** Whether it was applied. */
  isApplied: () => Promise<boolean>;
}

/** The beginning of a publish: a note of the publication's name. */
export function beginningOf(ctx: Context, { name }: PublicationRecord): Beginning {
  return {
    write: begunWrite(name, ctx.clock.now()),
    async isApplied() {
      const [row] = await ctx.store.get([begunKey(name)]);
      return row !== undefined;
    },
  };
}

/** Makes steps until all messages are out (true) or `isOver`. A publication that others have ended counts as done. */
export async function deliver(
  ctx: Context,
  record: PublicationRecord | undefined,
  fanOut: FanOut,
  isOver: () => boolean,
  stepWritesMax = transactionWritesMax,
): Promise<boolean> {
  let current = record;
  while (current) {
    if (isOver()) return false;
    const before: PublicationRecord = current;
    let writesMax = stepWritesMax;
    const tried = await withRetry(createRetryBudget(ctx), () => {
      const stepped = step(ctx, before, fanOut, { writesMax });
      // If the store is so busy that the time for a safe write passes, a smaller step may still fit into it.
      writesMax = Math.ceil(writesMax / 2);
      return stepped;
    });
    current = tried.record;
  }
  return true;
}

export interface Stepped {
  /** Whether this very step was applied, for all that this process knows. */
  isOurs: boolean;
  /** The record as it is now; undefined if the publication has ended, or if it has begun and is left to a sweep. */
  record: PublicationRecord | undefined;
}

export interface StepOptions {
  /** For the first step. */
  beginning?: Beginning;
  /** Writes of the transaction, at most. */
  writesMax?: number;
}

/**
 * One step from this record; with `beginning`, the first one. Throws StoreError. Where a first step has `applied: unknown`, the
 * publication may begin later.
 */
export async function step(
  ctx: Context,
  record: PublicationRecord,
  { messages, subscriptions, ...delivering }: FanOut,
  { beginning, writesMax = transactionWritesMax }: StepOptions = {},
): Promise<Stepped> {
  const { shares, after } = await nextShares(record, messages, subscriptions, writesMax - (beginning ? 2 : 1));
  const planned = await deliveriesOf(ctx, shares, delivering, record.startedAt);
  const next: PublicationRecord | undefined =
    after === undefined
      ? undefined
      : { ...record, state: 'delivering', after, dueAt: ctx.clock.now() + publicationLeaseMs, version: ctx.newVersion() };
  const change = beginning ? next && firstRow(next) : next ? publicationWrite(record, next) : removal(record);
  const fixed = [beginning?.write, change].filter((write) => write !== undefined);
  try {
    const outcome = await writeTogether(ctx, planned, fixed);
    if (outcome === 'applied') {
      for (const queue of planned.queues) ctx.wakeups.wake(queue);
      if (!next) await removeChunks(ctx, record.content);
      return { isOurs: true, record: next };
    }
  } catch (error) {
    if (!(error instanceof StoreError) || error.applied === 'no') throw error;
    if (beginning && !(await isBegun(beginning, error))) throw error;
  }
  const read = readAgain(ctx, record);
  return { isOurs: false, record: await (beginning ? read.catch(leftToSweep) : read) };
}

/** A publication that has begun, but whose row cannot be read now. */
function leftToSweep(error: unknown): undefined {
  ignoreStoreError(error);
}

async function isBegun({ isApplied }: Beginning, error: StoreError): Promise<boolean> {
  try {
    return await isApplied();
  } catch (unread) {
    // A failed read has `applied: no`, but the publication may have begun.
    throw unread instanceof StoreError ? error : unread;
  }
}

/** The record as another process, or an earlier request of this one, has left it; undefined if it has ended. */
async function readAgain(ctx: Context, { name }: PublicationRecord): Promise<PublicationRecord | undefined> {
  const [row] = await ctx.store.get([publicationKey(name)]);
  return row && readPublication(row);
}

/**
 * The next shares that take at most `writesMax` writes together; at least one, if any is left, because each fits into one
 * transaction. `after`: the last subscription that is done with them; undefined if no
 * subscription is left.
 */
async function nextShares(
  { after: before, revision }: PublicationRecord,
  messages: readonly TopicMessage[],
  subscriptions: Subscriptions,
  writesMax: number,
): Promise<{ shares: Share[]; after: string | undefined }> {
  const writesOf = createWriteCounts();
  const shares: Share[] = [];
  let after = before;
  let writes = 0;
  for (let lookedAt = 0; lookedAt < lookedAtMax; ) {
    const page = await subscriptions(after);
    if (page.length === 0) return { shares, after: undefined };
    for (const subscription of page) {
      // Added after the publish began.
      const [share] = subscription.fromRevision > revision ? [] : sharesOf([subscription], messages);
      writes += share ? writesOf(share.messages) : 0;
      if (writes > writesMax && shares.length > 0) return { shares, after };
      if (share) shares.push(share);
      after = subscription.name;
      lookedAt++;
    }
  }
  return { shares, after };
}
