/** The combinations of features in the section "Where two features meet" of docs/reference.md. */
import { expect, it } from 'vitest';
import { onEveryStore } from '../support/on-both-stores.ts';

const slowRetries = { minSeconds: 600, maxSeconds: 600, factor: 1, jitter: 0 };

onEveryStore('features that meet', (driven) => {
  it('a debounced publish gives a message that waits for its retry a new body and a new time, and keeps its counts', async () => {
    const { create, publish, receive, call, clock } = driven();
    await create('q', { backoff: slowRetries, deduplication: { windowSeconds: null, onDuplicate: 'debounce' } });
    await publish('q', { body: 'first', dedupKey: 'k' });
    const [held] = await receive('q');
    await call('release', 'q', { receipts: [held!.receipt], failed: 'no card' });
    await publish('q', { body: 'second', dedupKey: 'k', delaySeconds: 5 });
    clock.advance(4_999);
    expect(await receive('q')).toEqual([]);
    clock.advance(1);
    expect(await receive('q')).toMatchObject([{ body: 'second', receives: 2, failures: 1 }]);
  });

  it('a debounced publish leaves a leased message as it is', async () => {
    const { create, publish, receive, call } = driven();
    await create('q', { deduplication: { windowSeconds: null, onDuplicate: 'debounce' } });
    await publish('q', { body: 'first', dedupKey: 'k' });
    const [held] = await receive('q');
    const { results } = await call('publish', 'q', { messages: [{ body: 'second', dedupKey: 'k', delaySeconds: 5 }] });
    expect(results).toEqual([{ ok: true, id: '@k', duplicate: true }]);
    await call('release', 'q', { receipts: [held!.receipt] });
    expect(await receive('q')).toMatchObject([{ body: 'first' }]);
  });

  it('a message of a group that is released with a delay blocks its group for that long', async () => {
    const { create, publish, receive, call, clock } = driven();
    await create('q', { groups: { concurrency: 1, onFailure: 'block', ratePerSecond: null } });
    await publish('q', { body: 1, group: 'g' }, { body: 2, group: 'g' }, { body: 3, group: 'other' });
    const held = await receive('q', { max: 1 });
    expect(held).toMatchObject([{ body: 1 }]);
    await call('release', 'q', { receipts: [held[0]!.receipt], delaySeconds: 5 });
    expect(await receive('q')).toMatchObject([{ body: 3 }]);
    clock.advance(4_999);
    expect(await receive('q')).toEqual([]);
    clock.advance(1);
    expect((await receive('q'))[0]).toMatchObject({ body: 1 });
  });

  it('a message that is leased while its queue is purged can be acked, extended and released, and never comes again', async () => {
    const { create, send, receive, call, clock } = driven();
    await create('q');
    await send('q', 1, 2, 3, 4);
    const [acked, extended, released] = await receive('q', { max: 10 });
    await call('purge', 'q');
    expect(await call('ack', 'q', { receipts: [acked!.receipt] })).toMatchObject({ results: [{ ok: true }] });
    expect(await call('extend', 'q', { receipts: [extended!.receipt] })).toMatchObject({ results: [{ ok: true }] });
    expect(await call('release', 'q', { receipts: [released!.receipt] })).toMatchObject({ results: [{ ok: true }] });
    clock.advance(3600_000);
    expect(await receive('q', { max: 10 })).toEqual([]);
  });

  it('a receive without max takes one message', async () => {
    const { create, send, call } = driven();
    await create('q');
    await send('q', 1, 2);
    expect((await call('receive', 'q', {})).messages).toHaveLength(1);
  });
});
