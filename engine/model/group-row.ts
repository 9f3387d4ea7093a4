/**
 * Groups: messages received in order and under one lease at a time. A group has one row in `leases`; its messages wait in
 * their own partition of `messages`, in the order of publishing. A receive loads the next parcels into the row, and no
 * other until all of their messages are done. Rows of `messages` up to `head`, the parcel loaded last, are overridden.
 * A publish is one transaction of parcels and the row's `tail`, so neither the order nor the row's expiry misses a message.
 * Groups are served fairly: a served group is due from now on, behind groups that have waited longer.
 */
import { hash } from 'node:crypto';
import { defined } from '../../contract/defined.ts';
import { tombstoneMs } from '../../contract/limits.ts';
import type { Random, Row } from '../port/port.ts';
import { base32 } from '../port/random.ts';
import { decodeStoredContent, encodeStoredContent, isShared, type OffloadedContent } from './content-codec.ts';
import { type HeldParcel, parcelsIn, slotsOf } from './held-parcels.ts';
import { groupKeyChars, groupKeyOf, groupRowId } from './ids.ts';
import type { QueueRecord } from './queue-record.ts';
import { type Group, type GroupLeaseRow, isLive, type LeaseRow, leaseEnd, mayOverrideParcel, type Slot } from './rows.ts';

/** Tokens that a group remembers after their messages are done, to answer a repeated ack or an ack after a cancel. */
const ackedMax = 4;

/**
 * The group's key: 60 bits of the SHA-256 of its name, and a random lane. A group has as many lanes as it may have leases
 * at a time; each lane has its own row and partition. Two names with the same 60 bits share one group: slower, but in order.
 */
export function laneOf(queue: QueueRecord, name: string, random: Pick<Random, 'number'>): string {
  const lane = Math.floor(random.number() * (queue.groups?.concurrency ?? 1));
  return nameKey(name) + base32[lane & 31];
}

function nameKey(name: string): string {
  const bytes = hash('sha256', name, 'buffer').subarray(0, groupKeyChars - 1);
  return Array.from(bytes, (byte) => base32[byte & 31]).join('');
}

/** Whether the row of a group may be of a group of this name. */
export function isGroupOf(rowId: string, name: string): boolean {
  return groupKeyOf(rowId).startsWith(nameKey(name));
}

/** The group's part of its row as it is stored. `dueAt` and `until` are attributes of the row. */
export function encodeGroup({ dueAt: _, until: __, failedLeave, leftover, nextId, cancelledTokens, ...group }: Group): Row {
  const row: Row = defined({ ...group, first: nextId, taken: cancelledTokens });
  if (failedLeave) row.aside = true;
  if (leftover) row.leftover = leftover.map(encodeStoredContent);
  return row;
}

export function decodeGroup({ aside, leftover, first: nextId, taken: cancelledTokens, ...row }: Row): Group {
  const group = defined({ ...row, nextId, cancelledTokens }) as unknown as Group;
  if (aside) group.failedLeave = true;
  if (Array.isArray(leftover)) group.leftover = leftover.map((one) => decodeStoredContent(one as Row) as OffloadedContent);
  return group;
}

/** The partition of the group's messages, and the id of its row. */
export function groupPlace(queue: Pick<QueueRecord, 'incarnation'>, key: string): string {
  return groupRowId(queue.incarnation, key);
}

/** The group of the messages in a row; for a dead letter, the one in which it died. */
export function groupNameOf(lease: LeaseRow): string | undefined {
  if (lease.kind === 'group') return lease.group.name;
  return lease.kind === 'parcel' ? lease.groupName : undefined;
}

/** The shard to which all dead letters of a group go, as long as their queue has as many. */
export function shardOfGroup({ shards }: Pick<QueueRecord, 'shards'>, name: string): number {
  return hash('sha256', name, 'buffer').readUInt32BE() % shards;
}

/** Whether two rows may be of one group: they are in different queues, or lanes of one queue. */
export function mayBeSameGroup(rowId: string, other: string): boolean {
  return groupKeyOf(rowId).slice(0, -1) === groupKeyOf(other).slice(0, -1);
}

/** Whether dead letters may wait in the group, besides those in its row. */
export function holdsDeadLetters({ lastDeadLetter = '', head }: Group): boolean {
  return lastDeadLetter > head;
}

/**
 * When the group can next be received: after every lease in it and its rest end, and not before its first message is
 * visible. Undefined if no message waits. If failed messages leave the group (`failedLeave`), their backoff does not delay the others.
 */
export function groupDue({ slots, group }: Pick<GroupLeaseRow, 'slots' | 'group'>): number | undefined {
  const live = slots.filter(isLive);
  const end = (slot: Slot) => (group.failedLeave && slot.token !== undefined ? leaseEnd(slot) : slot.visibleAt);
  if (live.length === 0) return group.dueAt;
  return Math.max(end(live[0]!), ...live.filter(({ token }) => token !== undefined).map(end), group.notBefore ?? 0);
}

/** The ready messages that may be delivered in order: from the first live one on, without a gap. */
export function deliverablePrefix(lease: GroupLeaseRow, ready: readonly number[], now: number): number[] {
  const due = groupDue(lease);
  if (due === undefined || due > now) return [];
  const turn: number[] = [];
  for (const [index, slot] of lease.slots.entries()) {
    if (!isLive(slot)) continue;
    if (!ready.includes(index)) break;
    turn.push(index);
  }
  return turn;
}

/**
 * The group's row when every message that it holds is done: due at once if there is more to do, otherwise kept for an hour. The
 * rows of kept messages (`keptApart`) take over the offloaded bodies that they show.
 */
export function parcelsDone(lease: GroupLeaseRow, now: number): GroupLeaseRow {
  const { group } = lease;
  const tokens = lease.slots.flatMap(({ end, token }, slot) =>
    end === 'done' && token !== undefined ? [`${token}${slot}`] : [],
  );
  const { dueAt: _, acked = [], cancelledTokens = [], leftover: before = [], ...rest } = group;
  const isShown = (parcel: HeldParcel) => slotsOf(lease, parcel).some(({ kept }) => kept && kept.until > now);
  const finished = lease.needsCleanup ? parcelsIn(lease).filter((parcel) => !isShown(parcel)) : [];
  const own = finished.flatMap(({ content }) => ('offloaded' in content && !isShared(content) ? [content] : []));
  const leftover = [...before, ...own];
  // The row is also due to remove rows from `messages`, or leftover bodies.
  const waits = group.tail > group.head || leftover.length > 0 || mayOverrideParcel(lease);
  const remembered = [...acked, ...tokens].slice(-Math.max(ackedMax, tokens.length));
  const heldTokens = lease.slots.flatMap(({ heldBy }, slot) => (heldBy === undefined ? [] : [`${heldBy}${slot}`]));
  const cancelledNow = [...cancelledTokens, ...heldTokens].slice(-Math.max(ackedMax, heldTokens.length));
  return {
    ...bare(lease, lease.version),
    group: {
      ...rest,
      ...(remembered.length > 0 ? { acked: remembered } : {}),
      ...(cancelledNow.length > 0 ? { cancelledTokens: cancelledNow } : {}),
      ...(leftover.length > 0 ? { leftover } : {}),
      ...(waits ? { dueAt: Math.max(now, group.notBefore ?? 0) } : { until: now + tombstoneMs }),
    },
    ...(waits && lease.retentionEnd !== undefined ? { retentionEnd: lease.retentionEnd } : {}),
  };
}

/** The row of a group in which no message waits. */
export function emptyGroupRow(lease: GroupLeaseRow, version: string, now: number): GroupLeaseRow {
  const { dueAt: _, cancelled: __, nextId: ___, ...rest } = lease.group;
  return { ...bare(lease, version), group: { ...rest, head: rest.tail, until: now + tombstoneMs } };
}

export function wasCancelled(group: Group, token: string, slot: number): boolean {
  return group.cancelledTokens?.includes(`${token}${slot}`) ?? false;
}

export function wasAcked(group: Group, token: string, slot: number): boolean {
  return group.acked?.includes(`${token}${slot}`) ?? false;
}

function bare({ id, shard, since }: GroupLeaseRow, version: string): Omit<GroupLeaseRow, 'group'> {
  return { kind: 'group', id, shard, version, slots: [], since, content: { text: '[]' } };
}

/** How many messages of a group one receive may take: as many as its rate allows in one second, at least one. */
export function maxPerReceive({ groups }: QueueRecord, want: number): number {
  const rate = groups?.ratePerSecond ?? null;
  return rate === null ? want : Math.min(want, Math.max(1, Math.floor(rate)));
}

/** The group after `taken` of its messages were received: it rests as long as its rate demands. */
export function withRateDelay(queue: QueueRecord, group: Group, taken: number, now: number): Group {
  return rested(queue, { ...group, pace: { at: now, taken } });
}

/** The group after `givenBack` of the messages counted in its rest were returned undelivered: the rest gets shorter. */
export function withoutRateDelay(queue: QueueRecord, group: Group, givenBack: number): Group {
  if (!group.pace) return group;
  const { pace, ...rest } = group;
  const taken = pace.taken - givenBack;
  return rested(queue, taken > 0 ? { ...rest, pace: { ...pace, taken } } : rest);
}

/**
 * When the group's rest ends by the queue's current rate, which may differ from the rate when its row was written; 0: no rest.
 */
export function restEnd({ groups }: QueueRecord, { pace }: Group): number {
  const rate = groups?.ratePerSecond ?? null;
  return rate === null || !pace ? 0 : Math.ceil(pace.at + (pace.taken * 1000) / rate);
}

/** The group with its rest recomputed by the queue's current rate. */
function rested(queue: QueueRecord, group: Group): Group {
  const { notBefore: _, ...rest } = group;
  const notBefore = restEnd(queue, group);
  return notBefore === 0 ? rest : { ...rest, notBefore };
}

/** The row with its group's rest recomputed by the queue's current rate. */
export function withRest(queue: QueueRecord, lease: GroupLeaseRow): GroupLeaseRow {
  return { ...lease, group: rested(queue, lease.group) };
}

/** Makes the remaining messages of a row due from now on, so that groups which have waited longer come first. */
export function behindOthers(lease: LeaseRow, now: number): LeaseRow {
  const waits = ({ end, token, visibleAt }: Slot) => end === undefined && token === undefined && visibleAt < now;
  return { ...lease, slots: lease.slots.map((slot) => (waits(slot) ? { ...slot, visibleAt: now } : slot)) };
}
