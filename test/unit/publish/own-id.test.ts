import { describe, expect, it } from 'vitest';
import type { QueueRecord } from '../../../engine/model/queue-record.ts';
import { decodeLease, encodeTombstone } from '../../../engine/model/row-codec.ts';
import { newTombstone } from '../../../engine/model/rows.ts';
import { type Store, StoreError } from '../../../engine/port/port.ts';
import { publishOwn } from '../../../engine/publish/own-id.ts';
import type { Pending } from '../../../engine/publish/parcels.ts';
import { contextInMemory, queueOf, start } from '../../support/context-in-memory.ts';

const pending: Pending = { index: 0, encoded: '[1]', timing: { delayMs: 0 }, level: 0, id: 'a' };
const accepted = { ok: true, id: 'a' };
const duplicate = { ok: true, id: 'a', duplicate: true };

async function begin(settings: Partial<QueueRecord> = {}, over?: (store: Store) => Partial<Store>) {
  const world = contextInMemory(over);
  await world.putQueue(queueOf(settings));
  await world.ctx.settings.get('q');
  world.spy.takeCounts();
  const publish = () => publishOwn(world.ctx, 'q', pending);
  const row = () => decodeLease(world.rows('leases')[0]!);
  return { ...world, publish, row };
}

describe('a publish under an own id', () => {
  it('a publish under a free id is one put without a read', async () => {
    const { publish, spy, row } = await begin();
    expect(await publish()).toEqual(accepted);
    expect(spy.takeCounts()).toMatchObject({ gets: 0, puts: 1, updates: 0, refused: 0 });
    expect(row()).toMatchObject({ lease: { id: 'abcdefgh=a', slots: [{ visibleAt: start }] } });
  });

  it('a publish under a taken id is one refused write, and the message stays as it is', async () => {
    const { publish, spy, row } = await begin();
    await publish();
    const before = row();
    spy.takeCounts();
    expect(await publish()).toEqual(duplicate);
    expect(spy.takeCounts()).toMatchObject({ gets: 0, puts: 0, updates: 0, removals: 0, refused: 1 });
    expect(row()).toEqual(before);
  });

  it('an acked message frees its id only if the queue says so, and a cancelled one also by default', async () => {
    for (const [idempotency, ended, expected] of [
      ['acked', { token: 't' }, duplicate],
      ['acked', { cancelled: true }, accepted],
      ['live', { token: 't' }, accepted],
      ['ended', { cancelled: true }, duplicate],
    ] as [QueueRecord['idempotency'], { token: string } | { cancelled: true }, typeof accepted][]) {
      const { publish, put, row } = await begin({ idempotency });
      await put('leases', encodeTombstone(newTombstone('abcdefgh=a', 'v', [ended], start)));
      expect(await publish(), `${idempotency} ${JSON.stringify(ended)}`).toEqual(expected);
      expect('lease' in row()).toBe(expected === accepted);
    }
  });

  it('a publish whose answer was lost reads its row, and succeeds if its row is there', async () => {
    for (const isApplied of [true, false]) {
      const { publish, spy } = await begin({}, (store) => ({
        async write(write, options) {
          if (isApplied) await store.write(write, options);
          throw new StoreError('lost', 'unknown');
        },
      }));
      const published = publish();
      if (isApplied) expect(await published).toEqual(accepted);
      else await expect(published).rejects.toMatchObject({ applied: 'unknown' });
      expect(spy.takeCounts().gets).toBeGreaterThanOrEqual(1);
    }
  });
});
