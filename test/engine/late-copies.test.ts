/** Requests that arrive again long after they were answered: they must not restore what they were conditional on. */
import { expect, it } from 'vitest';
import { tokenChars } from '../../engine/model/receipts.ts';
import type { Key, Row, Store, Write } from '../../engine/port/port.ts';
import { secondMs } from '../support/durations.ts';
import { noise } from '../support/noise.ts';
import { onEveryStore } from '../support/on-both-stores.ts';

const isOfPermits = ({ key }: Write) => 'id' in key && key.id.endsWith('!limits');

/** A store that records each write that it applies to a table. */
function recording(store: Store, table: Key['table'], sent: Write[]): Store {
  return {
    ...store,
    async write(write, options) {
      const written = await store.write(write, options);
      if (written.ok && write.key.table === table) sent.push(write);
      return written;
    },
  };
}

onEveryStore('late copies of an ack and of the call after it', (driven) => {
  /** An engine whose writes of `leases` can be sent again. */
  function recorded() {
    const { store } = driven().spy;
    const sent: Write[] = [];
    const engine = driven().another(recording(store, 'leases', sent));
    return {
      receive: async (max: number) => (await engine.call('receive', { queue: 'q' }, { max })).messages,
      ack: async (receipts: string[]) => (await engine.call('ack', { queue: 'q' }, { receipts })).results,
      /** The writes since the last call of this. */
      taken: () => sent.splice(0),
      again: async (writes: readonly Write[]) => {
        for (const write of writes) await store.write(write);
      },
    };
  }

  it.each([
    ['reads nothing', false],
    ['also has a stale receipt of the same message, and reads its row', true],
  ])('late copies of an ack and of the claim after it revive no message acked since, where the ack %s', async (_, isBesideStale) => {
    const { create, send, clock, bodies } = driven();
    await create('q', { visibilityTimeoutSeconds: 30 });
    await send('q', 1, 2, 3);
    const { receive, ack, taken, again } = recorded();
    const [one, two] = await receive(2);
    taken();
    const stale = isBesideStale ? [one!.receipt.replace(/[^.]+$/, 'z'.repeat(tokenChars))] : [];
    expect((await ack([...stale, one!.receipt])).at(-1)).toEqual({ ok: true });
    const [three] = await receive(1);
    const copies = taken();
    expect(copies).toHaveLength(2);
    expect(await ack([three!.receipt])).toEqual([{ ok: true }]);
    await again(copies);
    clock.advance(30 * secondMs);
    expect(await bodies('q')).toEqual([two!.body]);
  });

  it('late copies of an ack and of the receive after it take no permit that was granted since', async () => {
    const { create, send, bodies } = driven();
    await create('q', { limits: { concurrency: 3, ratePerSecond: null } });
    await send('q', 1, 2, 3, 4, 5);
    const { receive, ack, taken, again } = recorded();
    const [one] = await receive(2);
    taken();
    expect(await ack([one!.receipt])).toEqual([{ ok: true }]);
    await receive(1);
    const copies = taken().filter(isOfPermits);
    expect(copies).toHaveLength(2);
    expect(await receive(1)).toHaveLength(1);
    await again(copies);
    expect(await bodies('q')).toEqual([]);
  });

  it('late copies of an ack and of the receive after it take no permit from a lease that was extended since', async () => {
    const { create, send, publish, call, clock } = driven();
    const priority = { levels: 2, order: 'strict' } as const;
    await create('q', { limits: { concurrency: 2, ratePerSecond: null }, visibilityTimeoutSeconds: 1, priority });
    await send('q', 1, 2, 3);
    const { receive, ack, taken, again } = recorded();
    const [one, two] = await receive(2);
    taken();
    expect(await ack([one!.receipt])).toEqual([{ ok: true }]);
    expect(await receive(1)).toHaveLength(1);
    const copies = taken().filter(isOfPermits);
    expect(copies).toHaveLength(2);
    // A receive that takes permits drops those that have ended.
    clock.advance(60 * secondMs);
    await publish('q', { body: 'urgent', priority: 1 });
    expect(await driven().bodies('q', { max: 1, visibilityTimeoutSeconds: 600 })).toEqual(['urgent']);
    const extended = await call('extend', 'q', { receipts: [two!.receipt], visibilityTimeoutSeconds: 600 });
    expect(extended.results).toMatchObject([{ ok: true }]);
    await again(copies);
    expect(await receive(1)).toEqual([]);
  });
});

onEveryStore('a late copy of the request that puts a body', (driven) => {
  it('a late copy of the put of a body does not restore its first TTL', async () => {
    const { create, receive, ack, another, spy, rows } = driven();
    const day = 24 * 3600;
    await create('q', { retentionSeconds: 60, keep: { doneSeconds: 90 * day, deadSeconds: 0 } });
    const sent: Write[] = [];
    const publisher = another(recording(spy.store, 'messages', sent));
    await publisher.call('publish', { queue: 'q' }, { messages: [{ body: noise(3000) }] });
    expect(sent).toHaveLength(1);
    await ack('q', await receive('q'));
    const [kept] = await rows('messages');
    const { put } = sent[0]!.then as { put: Row };
    expect(kept!.ttl).toBeGreaterThan(put.ttl as number);
    await spy.store.write(sent[0]!);
    expect(await rows('messages')).toEqual([kept]);
  });
});

onEveryStore('a late copy of the request that raises the TTL of a body', (driven) => {
  it('a late copy of the write that raises a TTL sets none on a body that is now kept forever', async () => {
    const { create, publish, receive, clock, another, spy, redrive, rows } = driven();
    await create('dead');
    await create('ever', { retentionSeconds: null });
    await create('q', { retentionSeconds: 60, visibilityTimeoutSeconds: 1, deadLetter: { queue: 'dead', maxReceives: 1 } });
    await publish('q', { body: noise(3000) });
    await receive('q');
    clock.advance(2 * secondMs);
    const sent: Write[] = [];
    const mover = another(recording(spy.store, 'messages', sent));
    await mover.call('receive', { queue: 'q' }, {});
    expect(sent).toHaveLength(1);
    await redrive('dead', { toQueue: 'ever' });
    for (const write of sent) await spy.store.write(write);
    const [body] = await rows('messages');
    expect(body).toHaveProperty('bytes');
    expect(body).not.toHaveProperty('ttl');
  });
});
