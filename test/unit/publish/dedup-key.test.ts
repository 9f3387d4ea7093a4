import { describe, expect, it } from 'vitest';
import type { Deduplication } from '../../../contract/contract.ts';
import { createRetryBudget } from '../../../engine/context/retry.ts';
import { decodeLease } from '../../../engine/model/row-codec.ts';
import { type Store, StoreError } from '../../../engine/port/port.ts';
import { publishKeyed } from '../../../engine/publish/dedup-key.ts';
import type { Pending } from '../../../engine/publish/parcels.ts';
import { contextInMemory, queueOf, start } from '../../support/context-in-memory.ts';

const accepted = { ok: true, id: '@k' };
const duplicate = { ok: true, id: '@k', duplicate: true };

async function begin(onDuplicate: Deduplication['onDuplicate'], over?: (store: Store) => Partial<Store>) {
  const world = contextInMemory(over);
  await world.putQueue(queueOf({ deduplication: { windowSeconds: 60, onDuplicate } }));
  await world.ctx.settings.get('q');
  world.spy.takeCounts();
  const publish = (body: number, delayMs = 5_000) => {
    const pending: Pending = { index: 0, encoded: `[${body}]`, timing: { delayMs }, level: 0, id: '@k', content: { body } };
    return publishKeyed(world.ctx, 'q', pending, createRetryBudget(world.ctx));
  };
  const lease = () => {
    const row = decodeLease(world.rows('leases')[0]!);
    return 'lease' in row ? row.lease : undefined;
  };
  return { ...world, publish, lease };
}

describe('a publish under a dedup key', () => {
  it('a publish under a free key is one put without a read', async () => {
    const { publish, spy, lease } = await begin('ignore');
    expect(await publish(1)).toEqual(accepted);
    expect(spy.takeCounts()).toMatchObject({ gets: 0, puts: 1, updates: 0, refused: 0 });
    expect(lease()).toMatchObject({ id: 'abcdefgh=@k', content: { text: '[[1]]' }, keyed: { freeAt: start + 60_000 } });
  });

  it('a publish under a taken key is one refused write if the queue ignores duplicates', async () => {
    const { publish, spy, lease } = await begin('ignore');
    await publish(1);
    const before = lease();
    spy.takeCounts();
    expect(await publish(2)).toEqual(duplicate);
    expect(spy.takeCounts()).toMatchObject({ gets: 0, puts: 0, updates: 0, removals: 0, refused: 1 });
    expect(lease()).toEqual(before);
  });

  it('a publish under a taken key changes the waiting message by one put, and its time only under debounce', async () => {
    for (const [mode, visibleAt] of [
      ['replace', start + 5_000],
      ['debounce', start + 6_000],
    ] as [Deduplication['onDuplicate'], number][]) {
      const { publish, clock, spy, lease } = await begin(mode);
      await publish(1);
      clock.advance(1_000);
      spy.takeCounts();
      expect(await publish(2)).toEqual(duplicate);
      expect(spy.takeCounts()).toMatchObject({ gets: 0, puts: 1, refused: 1, transactions: 0 });
      expect(lease(), mode).toMatchObject({ content: { text: '[[2]]' }, slots: [{ visibleAt }] });
    }
  });

  it('a publish under a taken key does not change a leased message', async () => {
    const { publish, spy, lease, putLease } = await begin('replace');
    await publish(1);
    const { slots, ...rest } = lease()!;
    await putLease({ ...rest, slots: [{ ...slots[0]!, token: 't' }] });
    spy.takeCounts();
    expect(await publish(2)).toEqual(duplicate);
    expect(spy.takeCounts()).toMatchObject({ puts: 0, updates: 0, refused: 1 });
  });

  it('a publish whose answer was lost knows its row by its version, whatever the mode', async () => {
    let writes = 0;
    const { publish, lease } = await begin('replace', (store) => ({
      async write(write, options) {
        const written = await store.write(write, options);
        if (++writes === 1) throw new StoreError('lost', 'unknown');
        return written;
      },
    }));
    expect(await publish(1)).toEqual(accepted);
    expect(writes).toBe(1);
    expect(await publish(2)).toEqual(duplicate);
    expect(lease()).toMatchObject({ content: { text: '[[2]]' } });
  });
});
