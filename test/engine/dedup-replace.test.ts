/** Publishing with a key that is taken, where `onDuplicate` is `replace` or `debounce`. */
import { expect, it } from 'vitest';
import type { PublishEntry } from '../../contract/contract.ts';
import type { Store } from '../../engine/port/port.ts';
import { secondMs } from '../support/durations.ts';
import { eventually } from '../support/eventually.ts';
import { duplicate, keyedQueue } from '../support/keyed-queue.ts';
import { noise } from '../support/noise.ts';
import { onEveryStore } from '../support/on-both-stores.ts';

onEveryStore('a publish that replaces', (driven) => {
  const { create, get, send } = keyedQueue(driven);

  it('replace changes the body and attributes of a waiting message and nothing else', async () => {
    const { clock, receive, rows, bodies } = driven();
    for (const retentionSeconds of [3600, null]) {
      await driven().create(`q${retentionSeconds}`, {
        retentionSeconds,
        deduplication: { windowSeconds: 60, onDuplicate: 'replace' },
      });
      const queue = `q${retentionSeconds}`;
      const publish = (entry: PublishEntry) => driven().call('publish', queue, { messages: [{ dedupKey: 'k', ...entry }] });
      const sizes = [noise(4000), 'small', noise(6000)];
      await publish({ body: 0, attributes: { old: 1 }, delaySeconds: 10 });
      const { publishedAt, visibleAt } = await get('@k', queue);
      clock.advance(secondMs);
      for (const body of sizes) {
        expect((await publish({ body, attributes: { new: 2 }, delaySeconds: 50 })).results).toEqual([duplicate]);
        expect(await get('@k', queue)).toMatchObject({ body, attributes: { new: 2 }, publishedAt, visibleAt, receives: 0 });
      }
      await publish({ bodyBase64: 'AAAA' });
      clock.advance(9 * secondMs);
      const [message] = await receive(queue);
      expect(message).toMatchObject({ bodyBase64: 'AAAA', attributes: {}, receives: 1 });
      expect((await publish({ body: 'too late' })).results).toEqual([duplicate]);
      await driven().call('release', queue, { receipts: [message!.receipt] });
      await publish({ body: 'not too late' });
      expect(await bodies(queue)).toEqual(['not too late']);
    }
    // No body without a TTL is left.
    expect((await rows('messages')).filter(({ ttl }) => ttl === undefined)).toEqual([]);
  });

  it('replace leaves a leased message as it is, and once the lease is over replaces it and tells the former holder lease_lost', async () => {
    const { receive, ack, clock, bodies } = driven();
    await create(60, 'replace', { visibilityTimeoutSeconds: 10 });
    await send({ body: 1 });
    const held = await receive('q');
    expect(await send({ body: 2 })).toEqual([duplicate]);
    expect(await get('@k')).toMatchObject({ body: 1 });
    clock.advance(11 * secondMs);
    expect(await send({ body: 3 })).toEqual([duplicate]);
    expect(await ack('q', held)).toMatchObject([{ code: 'lease_lost' }]);
    expect(await bodies('q')).toEqual([3]);
  });

  it('debounce postpones the message with each publish that finds it waiting, and keeps the newest body', async () => {
    const { clock, bodies } = driven();
    await create(null, 'debounce', { delaySeconds: 5 });
    await send({ body: 0 });
    for (const body of [1, 2, 3]) {
      clock.advance(4 * secondMs);
      expect(await send({ body })).toEqual([duplicate]);
      expect(await bodies('q')).toEqual([]);
    }
    clock.advance(5 * secondMs - 1);
    expect(await bodies('q')).toEqual([]);
    await send({ body: 4, delaySeconds: 1 });
    clock.advance(secondMs - 1);
    expect(await bodies('q')).toEqual([]);
    clock.advance(1);
    expect(await bodies('q', { visibilityTimeoutSeconds: 100 })).toEqual([4]);
    expect(await send({ body: 5 })).toEqual([duplicate]);
    clock.advance(50 * secondMs);
    expect(await bodies('q')).toEqual([]);
  });

  it('several replaces at once leave the content of one of them and lose no message', async () => {
    await create(60, 'replace');
    await send({ body: 'first' });
    const results = await Promise.all(Array.from({ length: 5 }, (_, body) => send({ body })));
    expect(results.flat()).toEqual(Array.from({ length: 5 }, () => duplicate));
    const [body, ...others] = await driven().bodies('q');
    expect([0, 1, 2, 3, 4]).toContain(body);
    expect(others).toEqual([]);
  });

  it('a publisher that dies during a replace loses nothing of the waiting message', async () => {
    const { spy, another, bodies } = driven();
    await create(60, 'replace', { retentionSeconds: null });
    const [first, second] = [noise(3000), noise(4000)];
    await send({ body: first });
    const inner = spy.store;
    // The publisher dies at this write, before or after it is applied.
    for (const [dies, isDone] of [0, 1, 2, 3].flatMap((call) => [[call, false] as const, [call, true] as const])) {
      let writes = 0;
      const die = async <Answer>(call: () => Promise<Answer>): Promise<Answer> => {
        if (writes++ !== dies) return call();
        if (isDone) await call();
        return new Promise(() => {});
      };
      const store: Store = {
        ...inner,
        write: (write, options) => die(() => inner.write(write, options)),
        writeAll: (all, options) => die(() => inner.writeAll(all, options)),
      };
      const publish = another(store).call('publish', { queue: 'q' }, { messages: [{ body: second, dedupKey: 'k' }] });
      await Promise.race([publish, eventually(() => writes > dies)]);
      expect([first, second]).toContain((await get('@k')).body);
      expect(await send({ body: first })).toEqual([duplicate]);
    }
    expect(await bodies('q')).toEqual([first]);
  });
});
