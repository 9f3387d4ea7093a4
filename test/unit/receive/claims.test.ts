import { describe, expect, it } from 'vitest';
import { retentionGraceMs } from '../../../contract/limits.ts';
import { readRow } from '../../../engine/leases/lease-store.ts';
import { rowOfParcel } from '../../../engine/leases/new-lease-row.ts';
import { bodyTtl } from '../../../engine/model/content-codec.ts';
import type { QueueRecord } from '../../../engine/model/queue-record.ts';
import { decodeLease } from '../../../engine/model/row-codec.ts';
import type { LeaseRow, Parcel, Slot } from '../../../engine/model/rows.ts';
import { StoreError } from '../../../engine/port/port.ts';
import {
  type Claimer,
  claimDue,
  claimUnreceived,
  clearParcel,
  giveBack,
  keepThroughLease,
} from '../../../engine/receive/claims.ts';
import { contextInMemory, leaseWith, queueOf, shard, start } from '../../support/context-in-memory.ts';

const dying: Partial<QueueRecord> = { deadLetter: { queue: 'dead', maxReceives: 3 } };
const offloaded = { offloaded: 'body', chunks: 1, size: 9 };
const parcel: Parcel = { shard, id: 'row', count: 2, since: start - 10, content: { text: '[[1],[2]]' } };
const claimerOf = (settings: Partial<QueueRecord> = {}): Claimer => ({
  queue: queueOf(settings),
  settingsAt: 0,
  token: 'mine',
  visibilityTimeoutMs: 30_000,
});
const untouched: Slot = { visibleAt: start, receives: 0, failures: 0 };
const taken: Slot = { visibleAt: start + 30_000, receives: 1, firstReceivedAt: start, failures: 0, token: 'mine' };

type World = ReturnType<typeof contextInMemory>;

function leaseIn({ rows }: World): LeaseRow {
  const read = decodeLease(rows('leases').find(({ id }) => id === 'row')!);
  if (!('lease' in read)) throw new Error('a tombstone');
  return read.lease;
}

async function take(world: World, claimer: Claimer, want = 10) {
  return claimDue(world.ctx, claimer, await readRow(world.ctx, 'row'), want);
}

describe('a claim of a parcel', () => {
  it("a claim of a parcel takes over all its fields, makes each message due now and records the parcel's shard", () => {
    const { ctx } = contextInMemory();
    const plain = rowOfParcel(ctx, queueOf(), parcel, start);
    expect(plain).toEqual({ ...leaseWith({ sourceShard: shard }), version: plain.version });
    const full = rowOfParcel(ctx, queueOf(dying), { ...parcel, retentionEnd: start + 9, content: offloaded }, start);
    expect(full).toMatchObject({ retentionEnd: start + 9, maxReceives: 3, content: offloaded });
    expect(full).not.toHaveProperty('needsCleanup');
    expect(rowOfParcel(ctx, queueOf(), { ...parcel, content: offloaded }, start).needsCleanup).toBe(true);
  });

  it('a claim of a parcel leases the requested messages and leaves the others due', async () => {
    const world = contextInMemory();
    const result = await claimUnreceived(world.ctx, claimerOf(), parcel, 1, start);
    expect(result).toMatchObject({ claimed: { slots: [0] } });
    expect(leaseIn(world).slots).toEqual([taken, untouched]);
  });

  it('a claim of a parcel that another receive has claimed changes nothing', async () => {
    const world = contextInMemory();
    await world.putLease(leaseWith({ version: 'theirs' }));
    const result = await claimUnreceived(world.ctx, claimerOf(), parcel, 2, start);
    expect(result).toMatchObject({ inTheWay: { row: { version: 'theirs' } } });
    expect(leaseIn(world)).toEqual(leaseWith({ version: 'theirs' }));
  });
});

describe('a claim from a due row', () => {
  it('a claim from a due row takes ready messages in order, and no more than requested', async () => {
    const world = contextInMemory();
    const held = { ...untouched, visibleAt: start + 1 };
    await world.putLease(leaseWith({ slots: [held, untouched, untouched] }));
    expect(await take(world, claimerOf(), 1)).toMatchObject({ slots: [1] });
    expect(leaseIn(world).slots).toEqual([held, taken, untouched]);
    expect(world.ctx.windows.size(shard)).toBe(1);
  });

  it('a claim counts an expired lease as a failure', async () => {
    const world = contextInMemory();
    await world.putLease(leaseWith({ slots: [{ ...untouched, receives: 1, token: 'theirs' }] }));
    await take(world, claimerOf());
    const { firstReceivedAt: _, ...again } = taken;
    expect(leaseIn(world).slots).toEqual([{ ...again, receives: 2, failures: 1 }]);
  });

  it('a claim first removes the parcel that the row overrides', async () => {
    const world = contextInMemory();
    await world.putParcel(parcel);
    await world.putLease(leaseWith({ sourceShard: shard }));
    await take(world, claimerOf());
    expect(world.rows('messages')).toEqual([]);
    expect(leaseIn(world)).not.toHaveProperty('sourceShard');
  });

  it('a claim takes nothing while the overridden parcel may still exist', async () => {
    const lost = new StoreError('lost', 'unknown');
    const world = contextInMemory((store) => ({
      write: (write, options) => ('remove' in write.then ? Promise.reject(lost) : store.write(write, options)),
    }));
    await world.putParcel(parcel);
    await world.putLease(leaseWith({ sourceShard: shard }));
    await expect(take(world, claimerOf())).rejects.toBe(lost);
    expect(leaseIn(world).slots).toEqual([untouched, untouched]);
  });

  it('a claim does not remove a parcel that a read shows to be gone, because a read costs less', async () => {
    const world = contextInMemory();
    await world.putLease(leaseWith({ sourceShard: shard }));
    await take(world, claimerOf());
    expect(world.spy.takeCounts()).toMatchObject({ gets: 2, puts: 1, removals: 0 });
    await world.putLease(leaseWith());
    await take(world, claimerOf());
    expect(world.spy.takeCounts()).toMatchObject({ gets: 1, puts: 1, removals: 0 });
  });

  it('a claim records in the row how often its messages may be received in this queue', async () => {
    const world = contextInMemory();
    await world.putLease(leaseWith({ maxReceives: 9 }));
    await take(world, claimerOf(dying), 1);
    expect(leaseIn(world).maxReceives).toBe(3);
    await take(world, { ...claimerOf(), token: 'next' }, 1);
    expect(leaseIn(world)).not.toHaveProperty('maxReceives');
  });

  it('a claim adds the backoff after the lease, except without a backoff or a next receive', async () => {
    const backoff = { minSeconds: 2, maxSeconds: 60, factor: 2, jitter: 0 };
    const slotAfter = async (settings: Partial<QueueRecord>, receives: number) => {
      const world = contextInMemory();
      await world.putLease(leaseWith({ slots: [{ ...untouched, receives, firstReceivedAt: start }] }));
      await take(world, claimerOf(settings));
      return leaseIn(world).slots[0]!;
    };
    const waits = { ...taken, visibleAt: start + 32_000, leasedUntil: start + 30_000 };
    expect(await slotAfter({ backoff }, 0)).toEqual(waits);
    expect(await slotAfter({ ...dying, backoff }, 1)).toEqual({ ...waits, receives: 2 });
    expect(await slotAfter({ ...dying, backoff }, 2)).toEqual({ ...taken, receives: 3 });
    expect(await slotAfter({ backoff: { ...backoff, minSeconds: 0 } }, 0)).toEqual(taken);
  });

  it('a claim that loses a conflict widens the window and retries on the new row', async () => {
    let others = 1;
    const world = contextInMemory((store) => ({
      async write(write, options) {
        if (others-- > 0) await store.write({ key: write.key, then: { set: [[['version'], 'theirs']] } });
        return store.write(write, options);
      },
    }));
    await world.putLease(leaseWith());
    expect(await take(world, claimerOf())).toMatchObject({ slots: [0, 1] });
    expect(world.ctx.windows.size(shard)).toBeGreaterThan(1);
  });
});

describe('offloaded bodies of a claimed row', () => {
  const retentionEnd = start + 1_000;
  const ttlAfter = async (...visibleAts: (number | Slot)[]) => {
    const world = contextInMemory();
    await world.put('messages', { shard: 'body:body', id: '0', ttl: bodyTtl(retentionEnd) });
    const slots = visibleAts.map((at): Slot => (typeof at === 'number' ? { ...untouched, visibleAt: at } : at));
    await keepThroughLease(world.ctx, leaseWith({ retentionEnd, content: offloaded, slots }));
    return world.rows('messages')[0]!.ttl;
  };
  const near = retentionEnd + retentionGraceMs / 2;

  it('a claim whose lease ends long after the retention extends the TTL of offloaded bodies', async () => {
    expect(await ttlAfter(near)).toBe(bodyTtl(retentionEnd));
    expect(await ttlAfter(near + 1)).toBe(bodyTtl(retentionEnd, near + 1));
    expect(await ttlAfter(start, near + 5_000, start)).toBe(bodyTtl(retentionEnd, near + 5_000));
  });

  it('a claim does not extend the TTL of offloaded bodies of an ended message', async () => {
    expect(await ttlAfter(start, { ...untouched, visibleAt: near + 5_000, end: 'done' })).toBe(bodyTtl(retentionEnd));
  });
});

describe('a parcel at the head', () => {
  const dead = queueOf({ name: 'dead', incarnation: 'deaddead' });
  const clear = async (world: World, settings: Partial<QueueRecord>, one: Partial<Parcel> = {}) => {
    const whole = { ...parcel, ...one };
    await world.putParcel(whole);
    return clearParcel(world.ctx, queueOf(settings), whole, start);
  };

  it('a parcel may be received if it is neither expired nor purged', async () => {
    expect(await clear(contextInMemory(), dying, { retentionEnd: start + 1 })).toBeUndefined();
  });

  it('a parcel is removed if it is purged, or expired without a dead-letter queue', async () => {
    const removal = { remove: true, deadLettered: 0 };
    expect(await clear(contextInMemory(), { purgedBefore: start })).toEqual(removal);
    expect(await clear(contextInMemory(), {}, { retentionEnd: start })).toEqual(removal);
  });

  it('a parcel that has expired moves to the dead-letter queue', async () => {
    const world = contextInMemory();
    await world.putQueue(dead);
    expect(await clear(world, dying, { retentionEnd: start })).toEqual({ remove: true, deadLettered: 2 });
    const death = { queue: 'q', reason: 'expired', at: start };
    expect(leaseIn(world)).toMatchObject({ shard: 'deaddead:0', death, sourceShard: shard });
  });

  it('a parcel that has expired stays if its dead-letter queue does not exist', async () => {
    const world = contextInMemory();
    expect(await clear(world, dying, { retentionEnd: start })).toBeUndefined();
    expect(world.rows('leases')).toEqual([]);
  });

  it('a parcel that has expired stays if another receive has just taken it', async () => {
    const world = contextInMemory();
    await world.putQueue(dead);
    await world.putLease(leaseWith({ version: 'theirs' }));
    expect(await clear(world, dying, { retentionEnd: start })).toEqual({ remove: false, deadLettered: 0 });
    expect(leaseIn(world)).toEqual(leaseWith({ version: 'theirs' }));
  });

  it('a removed parcel leaves offloaded bodies without a TTL to a row that overrides it, unless another receive has just taken it', async () => {
    const overriding = async (one: Partial<Parcel>, isTaken = false) => {
      const world = contextInMemory();
      await world.put('messages', { shard: 'body:body', id: '0' });
      if (isTaken) await world.putLease(leaseWith());
      const cleared = await clear(world, { purgedBefore: start }, { content: offloaded, ...one });
      expect(world.rows('messages').filter((row) => row.shard === 'body:body').length).toBe(1);
      const [row] = world.rows('leases');
      const read = row && decodeLease(row);
      return [cleared?.remove, read && 'tombstone' in read ? read.tombstone.pendingCleanup?.content : read];
    };
    expect(await overriding({})).toEqual([true, offloaded]);
    expect(await overriding({ retentionEnd: start + 1 })).toEqual([true, undefined]);
    expect(await overriding({}, true)).toEqual([false, { lease: leaseWith() }]);
  });
});

describe('the return of undelivered messages', () => {
  it('an undelivered message is returned as due now and unreceived, and the others keep their leases', async () => {
    const world = contextInMemory();
    const theirs = { ...taken, token: 'theirs', receives: 4 };
    const mine = { ...taken, receives: 3, failures: 1, visibleAt: start + 40_000, leasedUntil: start + 30_000 };
    const lease = leaseWith({ slots: [theirs, mine, untouched] });
    await world.putLease(lease);
    world.clock.advance(5);
    await giveBack(world.ctx, claimerOf(), lease.id);
    const back = { visibleAt: start + 5, receives: 2, firstReceivedAt: start, failures: 1 };
    expect(leaseIn(world).slots).toEqual([theirs, back, untouched]);
    expect(leaseIn(world).version).not.toBe(lease.version);
  });

  it('the return of an undelivered message changes nothing if another receive has it or it is gone', async () => {
    const world = contextInMemory();
    const lease = leaseWith();
    await giveBack(world.ctx, claimerOf(), lease.id);
    expect(world.rows('leases')).toEqual([]);
    await world.putLease(lease);
    await giveBack(world.ctx, claimerOf(), lease.id);
    expect(leaseIn(world)).toEqual(lease);
  });
});
