import { describe, expect, it } from 'vitest';
import type { PublishResult } from '../../../contract/contract.ts';
import { createRetryBudget } from '../../../engine/context/retry.ts';
import { decodeLease } from '../../../engine/model/row-codec.ts';
import type { Store } from '../../../engine/port/port.ts';
import { publishGroup } from '../../../engine/publish/groups.ts';
import { contextInMemory, queueOf, start } from '../../support/context-in-memory.ts';
import { range } from '../../support/range.ts';

async function begin(over?: (store: Store) => Partial<Store>) {
  const world = contextInMemory(over);
  await world.putQueue(queueOf());
  await world.ctx.settings.get('q');
  world.spy.takeCounts();
  const publish = async (count: number) => {
    const results: PublishResult[] = [];
    const pending = range(count).map((index) => ({ index, encoded: `[${index}]`, timing: { delayMs: 0 }, level: 0 }));
    await publishGroup(world.ctx, 'q', 'g', pending, results, createRetryBudget(world.ctx));
    return results;
  };
  const group = () => {
    const row = decodeLease(world.rows('leases')[0]!);
    return 'lease' in row && row.lease.kind === 'group' ? row.lease.group : undefined;
  };
  const parcels = () => world.rows('messages').map((row) => row.id as string);
  return { ...world, publish, group, parcels };
}

describe('a publish to a group', () => {
  it('the first publish to a group is one read and one transaction of its row and its parcels', async () => {
    const { publish, spy, group, parcels } = await begin();
    const results = await publish(11);
    expect(spy.takeCounts()).toMatchObject({ gets: 1, puts: 3, updates: 0, transactions: 1, refused: 0 });
    const [first, last] = parcels().sort();
    expect(group()).toMatchObject({ name: 'g', head: '', nextId: first, tail: last, dueAt: start });
    expect(results.map((result) => result.ok && result.id.split('-')[0])).toEqual([...Array(10).fill(first), last]);
  });

  it('a later publish only advances the tail of a group whose messages wait', async () => {
    const { publish, spy, group, parcels } = await begin();
    await publish(1);
    const before = group();
    spy.takeCounts();
    await publish(1);
    expect(spy.takeCounts()).toMatchObject({ gets: 1, puts: 1, updates: 1, transactions: 1 });
    const last = parcels().sort().at(-1);
    expect(last! > before!.tail).toBe(true);
    expect(group()).toEqual({ ...before, tail: last });
  });

  it('a publish that another overtakes is refused once and gets a place behind it', async () => {
    const { publish, clock, spy, group, parcels } = await begin();
    await publish(1);
    spy.takeCounts();
    let others: string[] = [];
    spy.before = async ({ method }) => {
      if (method !== 'transact') return;
      spy.before = () => {};
      clock.advance(10);
      await publish(1);
      others = parcels();
    };
    const [result] = await publish(1);
    const id = result!.ok ? result!.id.split('-')[0]! : '';
    expect(spy.takeCounts()).toMatchObject({ gets: 2, transactions: 3, puts: 2, updates: 2, refused: 2 });
    expect(others).toHaveLength(2);
    expect(others.every((other) => other < id)).toBe(true);
    expect(group()?.tail).toBe(id);
  });

  it('a publish under a clock that is behind still gets a later place in the group', async () => {
    const { publish, clock, parcels } = await begin();
    clock.advance(60_000);
    const [first] = await publish(1);
    clock.advance(-60_000);
    const [second] = await publish(1);
    expect(first).toMatchObject({ ok: true, id: expect.stringContaining(parcels().sort()[0]!) });
    expect(second).toMatchObject({ ok: true, id: expect.stringContaining(parcels().sort()[1]!) });
  });
});
