/**
 * Inspects the tables: what they hold after every message has ended and sweeps have run, and whether the index shows each message in time.
 * Callers cannot see either.
 */
import type { MemoryStore } from '../../../engine/memory/store.ts';
import type { Row } from '../../../engine/port/port.ts';

/**
 * Rows that nothing will ever remove, or that should be gone by now. `mayBeOrphan`: whether a fault between the writes of a body and of its
 * row explains a body without a TTL. `mayBeLate`: whether a caller's transaction may have published to a queue that was gone by then: the
 * entries are for the queue that there was when the caller got them.
 */
export function residueOf(memory: Pick<MemoryStore, 'rows'>, mayBeOrphan: (piece: Row) => boolean, mayBeLate = false): string[] {
  const left: string[] = [];
  const queues = memory.rows('queues');
  const ofQueues = new Set(queues.filter(({ kind }) => kind === 'queue').map(({ incarnation }) => incarnation));
  const isLate = ({ shard }: Row) =>
    mayBeLate && typeof shard === 'string' && !shard.startsWith('body:') && !ofQueues.has(shard.split(':')[0]!);
  for (const row of memory.rows('messages')) {
    if (isLate(row)) continue;
    const isBody = (row.shard as string).startsWith('body:');
    if (!isBody) left.push(`a parcel in messages: ${named(row)}`);
    else if (row.ttl === undefined && !mayBeOrphan(row)) left.push(`a body without ttl: ${named(row)}`);
  }
  for (const row of memory.rows('leases')) {
    if (isLate(row)) continue;
    // Permits that were not returned expire.
    if (row.held !== undefined && row.ttl !== undefined) continue;
    // What a receive with an attempt id returned.
    if (row.receipts !== undefined && row.ttl !== undefined) continue;
    if (row.group !== undefined && row.ttl !== undefined && row.expiry === undefined) continue;
    if (row.until === undefined) left.push(`a lease that holds something: ${named(row)}`);
    else if (row.expiry !== undefined) left.push(`a tombstone still in the index: ${named(row)}`);
    else if (row.ttl === undefined) left.push(`a tombstone without ttl: ${named(row)}`);
  }
  const incarnations = new Set(queues.filter(({ kind }) => kind === 'topic').map(({ incarnation }) => incarnation));
  const delivering = new Set(
    queues.filter(({ kind }) => kind === 'subscription').map(({ queueIncarnation }) => queueIncarnation),
  );
  const isUnowned = ({ kind, subscription, incarnation }: Row) =>
    kind === 'queue' && subscription !== undefined && !delivering.has(incarnation);
  for (const row of queues) {
    if (row.kind === 'queue' && (row.shards !== 1 || row.shardsVisited !== 1))
      left.push(`shards of an idle queue: ${named(row)}`);
    if (row.kind === 'schedule' && row.ttl === undefined) left.push(`a schedule: ${named(row)}`);
    if ((row.kind === 'publication' || row.kind === 'begun-publication') && row.ttl === undefined)
      left.push(`a publication that has not ended: ${named(row)}`);
    if (row.kind === 'deleted-topic' || (row.kind === 'subscription' && !incarnations.has(row.topicIncarnation)))
      left.push(`a row of a deleted topic: ${named(row)}`);
    if (isUnowned(row)) left.push(`a queue without its subscription: ${named(row)}`);
    if (row.kind === 'deleted' || row.kind === 'sweep') left.push(`a row of the sweep: ${named(row)}`);
    if (row.kind === 'task' && row.ttl === undefined) left.push(`a redrive that still runs: ${named(row)}`);
  }
  return left;
}

/** Rows that the index shows too late for one of their messages. Callers would see only a late message. */
export function lateExpiries(memory: MemoryStore, now: number): string[] {
  const live = memory.rows('leases').filter(({ until, slots }) => until === undefined && slots !== undefined);
  const shownAt = ({ expiry = Number.POSITIVE_INFINITY }: Row) => expiry as number;
  const isLate = (row: Row) => (row.slots as Row[]).some(({ v, d }) => d === undefined && shownAt(row) > (v as number));
  /** A group is due when its first message is due and none is leased, or when its next parcel may be loaded. */
  const isLateGroup = (row: Row) => {
    if (shownAt(row) <= now) return false;
    const { head, tail, notBefore = 0 } = row.group as { head: string; tail: string; notBefore?: number };
    const waiting = (row.slots as Row[]).filter(({ d }) => d === undefined);
    if (waiting.length === 0) return tail > head && row.expiry === undefined;
    const leased = waiting.filter(({ t }) => t !== undefined);
    return shownAt(row) > Math.max(notBefore, ...[waiting[0]!, ...leased].map(({ v }) => v as number));
  };
  return live
    .filter((row) => (row.group === undefined ? isLate(row) : isLateGroup(row)))
    .map((row) => `a lease whose expiry is later than one of its messages: ${named(row)}`);
}

function named(row: Row): string {
  return JSON.stringify(row, (name, value) => (name === 'bytes' || name === 'bodies' ? '…' : value));
}
