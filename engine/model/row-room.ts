/** How much content fits into a row of `leases`, whatever becomes of its messages. */
import type { Backoff } from '../../contract/contract.ts';
import { parcelSlotsMax, rowBytesMax } from '../../contract/limits.ts';
import { storedBytes } from '../port/row-limits.ts';
import { acceptedMax, type Keyed } from './keyed.ts';
import { incarnationChars } from './queue-record.ts';
import { tokenChars } from './receipts.ts';
import { encodeLease } from './row-codec.ts';
import { farMs, type LeaseRow, type Slot, versionChars } from './rows.ts';

/** The longest shard key is `incarnation:255.9`. */
const shardKeyCharsMax = incarnationChars + 6;
const largestKeyed: Keyed = {
  freeAt: farMs,
  accepted: Array.from({ length: acceptedMax }, () => ({ at: farMs, by: 'x'.repeat(versionChars) })),
  acked: 'x'.repeat(tokenChars),
};

/** Bytes left for contents in a row of `leases` with `count` slots in its largest state, in which every slot is leased. */
export function roomForContents(
  count: number,
  rowIdChars: number,
  backoff: Backoff | null,
  withDeadLetter: boolean,
  withKey = false,
): number {
  const form = `${count} ${backoff?.maxSeconds} ${withDeadLetter} ${withKey}`;
  let room = rooms.get(form);
  if (room === undefined) {
    room = rowBytesMax - storedBytes(encodeLease(largestRow(count, backoff, withDeadLetter, withKey)));
    if (rooms.size >= roomsMax) rooms.clear();
    rooms.set(form, room);
  }
  return room - rowIdChars;
}

/** The room of each form of row, for an id of no characters. Computing it takes as long as the rest of a publish. */
const rooms = new Map<string, number>();
const roomsMax = 1_000;

/** The largest state of a row, without the characters of its id. */
function largestRow(count: number, backoff: Backoff | null, withDeadLetter: boolean, withKey: boolean): LeaseRow {
  const firstReceivedAt = farMs + 9_999_999_999; // 115 days after the publish
  const slot: Slot = { visibleAt: farMs, token: 'x'.repeat(tokenChars), receives: 99, failures: 99, firstReceivedAt };
  if (backoff) slot.leasedUntil = farMs - Math.max(1, backoff.maxSeconds * 1000 - 1);
  return {
    id: '',
    shard: 'x'.repeat(shardKeyCharsMax),
    version: 'x'.repeat(versionChars),
    slots: Array.from({ length: Math.min(count, parcelSlotsMax) }, () => slot),
    since: farMs,
    retentionEnd: farMs,
    content: { text: '' },
    sourceShard: 'x'.repeat(shardKeyCharsMax),
    ...(withDeadLetter ? { maxReceives: 99 } : {}),
    ...(withKey ? { kind: 'keyed', keyed: largestKeyed } : { kind: 'parcel' }),
  };
}
