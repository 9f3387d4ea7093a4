import { describe, expect, it } from 'vitest';
import { putIfAbsent, putIfUnchanged, readRow } from '../../../engine/leases/lease-store.ts';
import {
  currentContents,
  ensureBodyCleanup,
  type OffloadedBody,
  removeUnnamed,
  withBodies,
} from '../../../engine/leases/offloaded-bodies.ts';
import { storeContent } from '../../../engine/model/content-codec.ts';
import { decodeLease, encodeLease, encodeTombstone } from '../../../engine/model/row-codec.ts';
import { newTombstone } from '../../../engine/model/rows.ts';
import { StoreError } from '../../../engine/port/port.ts';
import { contextInMemory, leaseWith, start } from '../../support/context-in-memory.ts';
import { noise } from '../../support/noise.ts';

const body = (id: string, ttl?: number): OffloadedBody => ({ ...storeContent(noise(600_000), 10, () => id), ttl });
const lasting = body('lasting');
const chunks = lasting.chunks.length;
const options = { by: start + 1_000 };
const written = () => Promise.resolve('written');
const lost = (applied: 'no' | 'unknown') => () => Promise.reject(new StoreError('failed', applied));

/** The partitions of the bodies that are stored. */
const stored = ({ rows }: ReturnType<typeof contextInMemory>) => [...new Set(rows('messages').map(({ shard }) => shard))];

async function withStored(...bodies: OffloadedBody[]) {
  const world = contextInMemory();
  await withBodies(world.ctx, bodies, options, written);
  world.spy.takeCounts();
  return world;
}

describe('bodies that are written before their row', () => {
  it('bodies without a TTL are removed if the write of their row certainly failed', async () => {
    const world = contextInMemory();
    await expect(withBodies(world.ctx, [lasting, body('passing', 1)], options, lost('no'))).rejects.toThrow('failed');
    expect(world.spy.takeCounts()).toMatchObject({ puts: 2 * chunks, removals: chunks });
    expect(stored(world)).toEqual(['body:passing']);
  });

  it('bodies stay if the write of their row, or an earlier attempt, may have been applied', async () => {
    for (const [applied, mayBeNamed] of [
      ['unknown', false],
      ['no', true],
    ] as ['no' | 'unknown', boolean][]) {
      const world = contextInMemory();
      await expect(withBodies(world.ctx, [lasting], options, lost(applied), () => mayBeNamed)).rejects.toThrow('failed');
      expect(world.spy.takeCounts().removals).toBe(0);
    }
  });

  it('a row is not written if a chunk of a body was not, and the other chunks are removed', async () => {
    let puts = 0;
    const world = contextInMemory((store) => ({
      write: (write, more) =>
        'put' in write.then && ++puts === 2 ? Promise.reject(new StoreError('down', 'unknown')) : store.write(write, more),
    }));
    const write = () => expect.unreachable('the row is written');
    await expect(withBodies(world.ctx, [lasting], options, write)).rejects.toMatchObject({ message: 'down', applied: 'no' });
    expect(chunks).toBeGreaterThan(1);
    expect(stored(world)).toEqual([]);
  });
});

describe('bodies after a failed write', () => {
  it('bodies of rows that were not put are removed, and those that a row names stay', async () => {
    const named = body('named');
    const world = await withStored(lasting, named);
    await world.putLease(leaseWith({ id: 'a', content: named.content }));
    const seen = await readRow(world.ctx, 'row');
    const changed = { ...seen, row: { id: 'row', version: 'theirs' } };
    const rows = [
      { id: 'a', ...named },
      { id: 'b', ...lasting },
    ];
    await removeUnnamed(world.ctx, { seen, after: { ...seen, maybeApplied: true } }, rows);
    expect(stored(world)).toEqual(['body:lasting', 'body:named']);
    await removeUnnamed(world.ctx, { seen, after: { ...changed, maybeApplied: true } }, rows);
    expect(stored(world)).toEqual(['body:named']);
  });

  it('a live row that names bodies without a TTL is marked for cleanup by one write', async () => {
    const world = await withStored(lasting);
    await world.putLease(leaseWith({ content: lasting.content, retentionEnd: start + 1 }));
    await ensureBodyCleanup(world.ctx, await readRow(world.ctx, 'row'), lasting.content);
    expect(world.spy.takeCounts()).toMatchObject({ puts: 1, updates: 0, removals: 0 });
    expect(world.rows('leases').map(decodeLease)).toMatchObject([{ lease: { needsCleanup: true } }]);
  });

  it('bodies that no row names are removed, and those that a tombstone shows get a TTL', async () => {
    const kept = leaseWith({ content: lasting.content });
    const tombstone = encodeTombstone({ ...newTombstone('row', 'v', [{}], start), kept });
    for (const [row, calls] of [
      [undefined, { updates: 0, removals: chunks }],
      [tombstone, { updates: chunks, removals: 0 }],
    ] as const) {
      const world = await withStored(lasting);
      if (row) await putIfAbsent(world.ctx, row, start);
      const seen = await readRow(world.ctx, 'row');
      world.spy.takeCounts();
      await ensureBodyCleanup(world.ctx, seen, lasting.content);
      expect(world.spy.takeCounts()).toMatchObject({ puts: 0, ...calls });
    }
  });
});

it('missing bodies are an error only while their row is unchanged', async () => {
  const world = contextInMemory();
  const lease = leaseWith({ content: lasting.content });
  await world.putLease(lease);
  await expect(currentContents(world.ctx, lease, [0])).rejects.toMatchObject({ applied: 'no' });
  expect(world.events).toMatchObject([{ kind: 'anomaly', row: 'row' }]);
  const seen = await readRow(world.ctx, 'row');
  await putIfUnchanged(world.ctx, seen, encodeLease({ ...lease, version: 'next' }));
  expect(await currentContents(world.ctx, lease, [0])).toBeUndefined();
});
