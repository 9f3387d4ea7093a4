/**
 * Rows of messages published under a `dedupKey`: one row of `leases` for each key, as for an own id. It says until when the key is taken
 * (`freeAt`), as a lease and as a tombstone; a publish takes a free key by putting its message over the tombstone.
 *
 * A key may be free long before its tombstone is gone, so two things are to be kept from living again.
 *
 * A late or second copy of a request. The first put applies only where nothing is, or a tombstone whose `until` had passed when it was
 * signed; a tombstone lasts an hour beyond the message and beyond `freeAt`, longer than any request. A put over a tombstone is
 * conditional on its version, which no other row ever has. So once any row is there, each copy is refused.
 *
 * A publish that was accepted without word of it, received and acked before it looks, and now finds the key free. It must not
 * take the key again, so each row names the publishes that were accepted last, by the versions that they put. Their times only grow:
 * whoever finds himself among them was accepted; whoever finds one that is older than his own beginning, and not himself, was not. Who
 * finds neither, since others took the key so often meanwhile, cannot say, and says so.
 */
import type { Condition, Path, Value, Write } from '../port/port.ts';
import type { QueueRecord } from './queue-record.ts';
import type { Receipt } from './receipts.ts';
import { acceptedMax, type Keyed, newTombstone, removableAt } from './rows.ts';

/** One publish under a key: when it began, and the versions that it tried to put. */
export interface Attempt {
  startedAt: number;
  versions: Set<string>;
  /** Whether one of them was put; or may have been, without word of it. */
  applied: boolean;
  maybeApplied: boolean;
}

/** What the row of a publish accepted now says. `acked`: the token by which the message before it was. */
export function accept(queue: QueueRecord, former: Keyed | undefined, version: string, now: number, acked?: string): Keyed {
  const windowSeconds = queue.deduplication?.windowSeconds ?? null;
  const before = former?.accepted ?? [];
  const at = Math.max(now, (before[0]?.at ?? 0) + 1);
  return {
    ...(windowSeconds === null ? {} : { freeAt: now + windowSeconds * 1000 }),
    accepted: [{ at, by: version }, ...before].slice(0, acceptedMax),
    ...(acked === undefined ? {} : { acked }),
  };
}

/** Whether this publish was accepted already. */
export function wasAccepted(keyed: Keyed | undefined, { startedAt, versions, maybeApplied }: Attempt): 'yes' | 'no' | 'unknown' {
  if (!keyed) return 'no';
  if (keyed.accepted.some(({ by }) => versions.has(by))) return 'yes';
  const isWhole = !maybeApplied || keyed.accepted.length < acceptedMax || keyed.accepted.some(({ at }) => at < startedAt);
  return isWhole ? 'no' : 'unknown';
}

/** Whether the key is taken though its message is done: by the window that the queue has now, where that is shorter than it was. */
export function isTaken({ deduplication }: QueueRecord, { freeAt, accepted }: Keyed, now: number): boolean {
  const windowSeconds = deduplication?.windowSeconds ?? null;
  if (freeAt === undefined || windowSeconds === null) return false;
  return Math.min(freeAt, accepted[0]!.at + windowSeconds * 1000) > now;
}

/** What else an ended row holds stays; all of a lease goes. */
const ofLease = [
  ...[
    'shard',
    'expiry',
    'count',
    'since',
    'publishedAt',
    'expiresAt',
    'fresh',
    'outOfOrder',
    'death',
    'level',
    'maxReceives',
    'last',
  ],
  ...['bodies', 'size', 'beside', 'chunks'],
].map((name): Path => [name]);

/**
 * The ack of a message under a key, with nothing read before: the tombstone keeps what the row says of the key. Until when that is, the
 * receipt says, and the row must agree.
 */
export function keyedAck({ token, freeAt }: Receipt, version: string, now: number): { agrees: Condition; then: Write['then'] } {
  const { until } = newTombstone('', version, [], now, freeAt === undefined ? undefined : { freeAt, accepted: [] });
  const slots: Value = [{ t: token, d: 'done' }];
  return {
    agrees: freeAt === undefined ? { absent: ['freeAt'] } : { equals: [['freeAt'], freeAt] },
    then: {
      set: [
        [['version'], version],
        [['slots'], slots],
        [['until'], until],
        [['ttl'], removableAt(until)],
      ],
      unset: ofLease,
    },
  };
}
