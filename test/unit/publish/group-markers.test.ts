/** Publishes to groups that meet each other: the markers of own ids and dedup keys. */
import { describe, expect, it } from 'vitest';
import type { PublishResult } from '../../../contract/contract.ts';
import { createRetryBudget } from '../../../engine/context/retry.ts';
import type { Store } from '../../../engine/port/port.ts';
import { publishGroup } from '../../../engine/publish/groups.ts';
import type { Pending } from '../../../engine/publish/parcels.ts';
import { contextInMemory, queueOf } from '../../support/context-in-memory.ts';
import { noise } from '../../support/noise.ts';

type Entry = Partial<Pick<Pending, 'id' | 'encoded'>>;

async function begin(over?: (store: Store) => Partial<Store>, retentionSeconds: number | null = 60) {
  const world = contextInMemory(over);
  await world.putQueue(queueOf({ retentionSeconds, deduplication: { windowSeconds: 300, onDuplicate: 'ignore' } }));
  await world.ctx.settings.get('q');
  world.spy.takeCounts();
  const publish = async (...entries: Entry[]) => {
    const results: PublishResult[] = [];
    const pending = entries.map(({ id, encoded = '[1]' }, index): Pending => {
      const isKey = id?.startsWith('@') ?? false;
      const own = { ...(id === undefined ? {} : { id }), ...(isKey ? { content: { body: 1 as never } } : {}) };
      return { index, encoded, timing: { delayMs: 0 }, level: 0, group: 'g', ...own };
    });
    await publishGroup(world.ctx, 'q', 'g', pending, results, createRetryBudget(world.ctx));
    return results;
  };
  /** Runs `other` before the next transaction. */
  const overtakeBy = (other: () => Promise<unknown>) => {
    world.spy.before = async ({ method }) => {
      if (method !== 'transact') return;
      world.spy.before = () => {};
      await other();
    };
  };
  const waiting = () =>
    world.rows('messages').flatMap(({ shard, count }) => ((shard as string).startsWith('body:') ? [] : [count]));
  return { ...world, publish, overtakeBy, waiting };
}

describe('the markers of a publish to a group', () => {
  it('a publish puts its markers in the transaction of its parcels, after one read of them and of the group', async () => {
    const { publish, spy } = await begin();
    expect(await publish({ id: 'a' }, {}, { id: '@k' })).toMatchObject([{ id: 'a' }, { ok: true }, { ok: true }]);
    expect(spy.takeCounts()).toMatchObject({ gets: 1, transactions: 1, puts: 4, refused: 0 });
    expect(await publish({ id: 'a' }, { id: '@k' })).toMatchObject([{ duplicate: true }, { duplicate: true }]);
    expect(spy.takeCounts()).toMatchObject({ gets: 1, transactions: 0, puts: 0 });
  });

  it.each([
    'a',
    '@k',
  ])('a publish under %s that another overtakes finds that one, and publishes its other messages', async (id) => {
    const { publish, overtakeBy, waiting, rows } = await begin();
    let first: PublishResult[] = [];
    overtakeBy(async () => {
      first = await publish({ id });
    });
    const [overtaken, other] = await publish({ id }, {});
    expect(first[0]).not.toHaveProperty('duplicate');
    expect(overtaken).toEqual({ ...first[0], duplicate: true });
    expect(other).not.toHaveProperty('duplicate');
    expect(waiting()).toEqual([1, 1]);
    expect(rows('leases').filter(({ marks }) => marks !== undefined)).toHaveLength(1);
  });

  it('a publish whose id is taken meanwhile leaves no body behind', async () => {
    const { publish, overtakeBy, rows } = await begin(undefined, null);
    overtakeBy(() => publish({ id: 'a' }));
    expect(await publish({ id: 'a', encoded: JSON.stringify([noise(5000)]) })).toMatchObject([{ duplicate: true }]);
    expect(rows('messages').filter(({ shard }) => (shard as string).startsWith('body:'))).toEqual([]);
  });

  it('a publish that was applied although it seemed to be refused is not its own duplicate', async () => {
    let hidden = false;
    const { publish, waiting } = await begin((store) => ({
      async transact(writes, options) {
        const result = await store.transact(writes, options);
        if (hidden || !result.ok) return result;
        hidden = true;
        return store.transact(writes, options);
      },
    }));
    const [result] = await publish({ id: 'a' });
    expect(result).toEqual({ ok: true, id: 'a' });
    expect(waiting()).toEqual([1]);
  });

  it('as many messages as one call may publish are published with an own id each', async () => {
    const { publish, spy } = await begin();
    const results = await publish(...Array.from({ length: 100 }, (_, index) => ({ id: `id-${index}` })));
    expect(results.map((result) => result.ok && result.id)).toEqual(Array.from({ length: 100 }, (_, index) => `id-${index}`));
    expect(spy.takeCounts()).toMatchObject({ transactions: 2 });
  });
});
