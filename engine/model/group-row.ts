/**
 * Groups: messages under one key, received in order and under one lease at a time. A group is a row of `leases`; its messages lie in a
 * partition of their own in `messages`, in the order of publishing. A receive takes the next parcel into the group's row (`head` says how
 * far it came: what lies up to there in `messages` counts for nothing), and no other until all of that parcel is done; the row is
 * due again only when something waits. A publish is one transaction: the parcels, and the row's `tail`; so neither order nor the row's
 * expiry can miss a message. Fairness follows: a group that was served is due from then on, behind those that have waited longer.
 */
import { createHash } from 'node:crypto';
import { tombstoneMs } from '../../contract/limits.ts';
import type { Random } from '../port/port.ts';
import { base32 } from '../port/random.ts';
import { groupKeyChars, groupKeyOf, groupRowId } from './ids.ts';
import type { QueueRecord } from './queue-record.ts';
import { type Group, isLive, type Lease, leaseEnd, type Slot } from './rows.ts';

/** Tokens that a group remembers after their parcel: an ack that is repeated, or that comes after a cancel, is told so. */
const ackedMax = 4;

/**
 * The group's key: of its name 60 bits of SHA-256 (should two names ever share them, they are one group: slower, and still in order),
 * and one of as many lanes as the group may have leases at a time.
 */
export function laneOf(queue: QueueRecord, name: string, random: Pick<Random, 'number'>): string {
  const bytes = createHash('sha256').update(name).digest();
  const lane = Math.floor(random.number() * (queue.groups?.concurrency ?? 1));
  return [...bytes.subarray(0, groupKeyChars - 1), lane].map((byte) => base32[byte & 31]).join('');
}

/** The partition of its messages, and the id of its row. */
export function groupPlace(queue: Pick<QueueRecord, 'incarnation'>, key: string): string {
  return groupRowId(queue.incarnation, key);
}

/** The id of the row in `messages` whose messages a row of `leases` holds. */
export function idInMessages({ id, group }: Pick<Lease, 'id' | 'group'>): string {
  return group?.head ?? id;
}

/** The id of the parcel whose messages a row holds, as messages' ids begin with it. */
export function parcelIdOf({ id, group }: Lease): string {
  return group ? `${group.head}-${groupKeyOf(id)}` : id;
}

/**
 * When the group can next be received: not while a message of it is leased, nor before its first one may be; undefined: nothing of it
 * waits. Where what fails is moved aside, a backoff holds up nobody.
 */
export function groupDue({ slots, group }: Lease): number | undefined {
  const live = slots.filter(isLive);
  const end = (slot: Slot) => (group?.aside && slot.token !== undefined ? leaseEnd(slot) : slot.visibleAt);
  if (live.length === 0) return group?.due;
  return Math.max(end(live[0]!), ...live.filter(({ token }) => token !== undefined).map(end), group?.notBefore ?? 0);
}

/** Of the messages found ready those whose turn it is: from the first one on, without a gap. */
export function deliverablePrefix(lease: Lease, ready: readonly number[], now: number): number[] {
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

/** The row once all of its parcel is done: due at once if more was published, else a trace that counts for an hour. */
export function parcelDone(lease: Lease, group: Group, version: string, now: number): Lease {
  const tokens = lease.slots.flatMap(({ end, token }, slot) =>
    end === 'done' && token !== undefined ? [`${token}${slot}`] : [],
  );
  const { due: _, acked = [], taken = [], leftover: before = [], ...rest } = group;
  const leftover = lease.ending && 'beside' in lease.contents ? [...before, lease.contents] : before;
  // Whoever acked had the answer to the removal of the parcel's row in `messages`; where nobody did, it may stand yet.
  const mayStand = lease.fresh !== undefined && tokens.length === 0;
  // It goes on to remove that, and bodies, too.
  const waits = group.tail > group.head || leftover.length > 0 || mayStand;
  const remembered = [...acked, ...tokens].slice(-Math.max(ackedMax, tokens.length));
  const held = lease.slots.flatMap(({ heldBy }, slot) => (heldBy === undefined ? [] : [`${heldBy}${slot}`]));
  const takenAway = [...taken, ...held].slice(-Math.max(ackedMax, held.length));
  return {
    ...bare(lease, version),
    group: {
      ...rest,
      ...(remembered.length > 0 ? { acked: remembered } : {}),
      ...(takenAway.length > 0 ? { taken: takenAway } : {}),
      ...(leftover.length > 0 ? { leftover } : {}),
      ...(waits ? { due: Math.max(now, group.notBefore ?? 0) } : { until: now + tombstoneMs }),
    },
    ...(waits && lease.expiresAt !== undefined ? { expiresAt: lease.expiresAt } : {}),
  };
}

/** The row of a group of which nothing waits. */
export function idle(lease: Lease, group: Group, version: string, now: number): Lease {
  const { due: _, cancelled: __, first: ___, ...rest } = group;
  return { ...bare(lease, version), group: { ...rest, head: group.tail, until: now + tombstoneMs } };
}

export function wasTaken(group: Group, token: string, slot: number): boolean {
  return group.taken?.includes(`${token}${slot}`) ?? false;
}

export function wasAcked(group: Group, token: string, slot: number): boolean {
  return group.acked?.includes(`${token}${slot}`) ?? false;
}

function bare({ id, shard, since }: Lease, version: string): Lease {
  return { id, shard, version, slots: [], since, contents: { text: '[]' } };
}

/** How many messages of a group one receive may take: what its rate gives in a second, and one at least. */
export function atOnce({ groups }: QueueRecord, want: number): number {
  const rate = groups?.ratePerSecond ?? null;
  return rate === null ? want : Math.min(want, Math.max(1, Math.floor(rate)));
}

/** The group after so many of its messages were taken: by its rate it rests. */
export function withRateDelay(queue: QueueRecord, group: Group, taken: number, now: number): Group {
  return rested(queue, { ...group, pace: { at: now, taken } });
}

/** The group after so many of the messages that it rests from were given back undelivered. */
export function withoutRateDelay(queue: QueueRecord, group: Group, givenBack: number): Group {
  if (!group.pace) return group;
  const { pace, ...rest } = group;
  const taken = pace.taken - givenBack;
  return rested(queue, taken > 0 ? { ...rest, pace: { ...pace, taken } } : rest);
}

/** Until when the group rests by the rate that its queue has now, which may be another than when its row was written; 0: it does not. */
export function restEnd({ groups }: QueueRecord, { pace }: Group): number {
  const rate = groups?.ratePerSecond ?? null;
  return rate === null || !pace ? 0 : Math.ceil(pace.at + (pace.taken * 1000) / rate);
}

/** The group with its rest as the queue's rate has it now. */
function rested(queue: QueueRecord, group: Group): Group {
  const { notBefore: _, ...rest } = group;
  const notBefore = restEnd(queue, group);
  return notBefore === 0 ? rest : { ...rest, notBefore };
}

/** A row with its rest as the queue's rate has it now. */
export function withRest(queue: QueueRecord, lease: Lease): Lease {
  return lease.group ? { ...lease, group: rested(queue, lease.group) } : lease;
}

/** What is left of a parcel waits from now on, so that the group's turn comes after that of groups which have waited longer. */
export function behindOthers(lease: Lease, now: number): Lease {
  const waits = ({ end, token, visibleAt }: Slot) => end === undefined && token === undefined && visibleAt < now;
  return { ...lease, slots: lease.slots.map((slot) => (waits(slot) ? { ...slot, visibleAt: now } : slot)) };
}
