/**
 * The row of a `dedupKey`: one row of `leases` for each key. The row holds `freeAt`, the end of the time in which the key
 * is taken, as a lease and as a tombstone. A publish takes a free key by putting its message over the tombstone.
 * A key may be free long before its tombstone is gone. `accept` and `wasAccepted` say why no publish is applied twice.
 */
import { defined } from '../../contract/defined.ts';
import type { Condition, Path, Value, Write } from '../port/port.ts';
import { acceptedMax, type Keyed } from './keyed.ts';
import type { QueueRecord } from './queue-record.ts';
import type { Receipt } from './receipts.ts';
import { newTombstone, removableAt } from './rows.ts';

/** One publish under a key, with all its retries: when it began, and the versions that it tried to put. */
export interface Attempt {
  startedAt: number;
  versions: Set<string>;
  /** Whether one of the versions was put (`applied`), or may have been because a response was lost (`maybeApplied`). */
  applied: boolean;
  maybeApplied: boolean;
}

/**
 * The key's part of the row for a publish accepted now. `acked`: the token that acked the previous message of the key.
 *
 * A late or duplicate request is never applied again. The first put applies only to an absent row, or to a tombstone
 * whose `until` had passed when the request was signed. A tombstone outlasts the message and `freeAt` by an hour, longer
 * than any request lives. A put over a tombstone is conditional on its version, and versions are never reused.
 * So once any row is there, every such copy is refused.
 */
export function accept(queue: QueueRecord, former: Keyed | undefined, version: string, now: number, acked?: string): Keyed {
  const windowSeconds = queue.deduplication?.windowSeconds ?? null;
  const before = former?.accepted ?? [];
  const at = Math.max(now, (before[0]?.at ?? 0) + 1);
  const freeAt = windowSeconds === null ? undefined : now + windowSeconds * 1000;
  return defined({ freeAt, accepted: [{ at, by: version }, ...before].slice(0, acceptedMax), acked });
}

/**
 * Whether this publish was already accepted. A publish may succeed without a response, and its message be acked before the
 * retry, which then finds the key free. So each row lists the last `acceptedMax` accepted publishes; their times only grow.
 *
 * `yes`: one of our versions is listed. `no`: no write of ours may have been applied, or the list is not full, or it has
 * an entry older than our start. `unknown`: otherwise, since newer publishes may have pushed our entry out.
 */
export function wasAccepted(keyed: Keyed | undefined, { startedAt, versions, maybeApplied }: Attempt): 'yes' | 'no' | 'unknown' {
  if (!keyed) return 'no';
  if (keyed.accepted.some(({ by }) => versions.has(by))) return 'yes';
  const isWhole = !maybeApplied || keyed.accepted.length < acceptedMax || keyed.accepted.some(({ at }) => at < startedAt);
  return isWhole ? 'no' : 'unknown';
}

/** Whether the key is still taken although its message is done. A window that was shortened since applies at once. */
export function isTaken({ deduplication }: QueueRecord, { freeAt, accepted }: Keyed, now: number): boolean {
  const windowSeconds = deduplication?.windowSeconds ?? null;
  if (freeAt === undefined || windowSeconds === null) return false;
  return Math.min(freeAt, accepted[0]!.at + windowSeconds * 1000) > now;
}

/** The attributes of a lease. An ack removes them; the other attributes of the row stay in the tombstone. */
const ofLease = [
  ...[
    'shard',
    'expiry',
    'count',
    'since',
    'first',
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
 * The ack of a keyed message, without reading its row first. The tombstone keeps the key's part of the row.
 * `freeAt` comes from the receipt, and the write is conditional on the row having the same value.
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
