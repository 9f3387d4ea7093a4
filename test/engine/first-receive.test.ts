/** When a message was first received in its queue. */
import { expect, it } from 'vitest';
import { onEveryStore } from '../support/on-both-stores.ts';

const instant = (ms: number) => new Date(ms).toISOString();
const backoff = { minSeconds: 7, maxSeconds: 7, factor: 1, jitter: 0 };

onEveryStore('the first receive', (driven) => {
  it.each([
    {},
    { group: 'g' },
    { id: 'own' },
  ])('a message shows at each receive when the first one was, after a release, an extend and an expired lease: %o', async (place) => {
    const { create, publish, receive, call, clock, engine } = driven();
    await create('q', { backoff, visibilityTimeoutSeconds: 10 });
    const [id] = await publish('q', { body: 1, ...place });
    clock.advance(5_000);
    const firstReceivedAt = instant(clock.now());
    const [first] = await receive('q');
    expect(first).toMatchObject({ receives: 1, firstReceivedAt });
    clock.advance(1_000);
    await call('release', 'q', { receipts: [first!.receipt], delaySeconds: 2 });
    clock.advance(2_000);
    const [second] = await receive('q');
    expect(second).toMatchObject({ receives: 2, firstReceivedAt });
    await call('extend', 'q', { receipts: [second!.receipt], visibilityTimeoutSeconds: 60 });
    clock.advance(67_000);
    expect(await receive('q')).toMatchObject([{ receives: 3, failures: 1, firstReceivedAt }]);
    expect(await engine.call('getMessage', { queue: 'q', id: id! }, {})).toMatchObject({ state: 'leased', firstReceivedAt });
  });

  it('the messages of one parcel each have the time of their own first receive', async () => {
    const { create, send, receive, call, clock } = driven();
    await create('q', { visibilityTimeoutSeconds: 3600 });
    await send('q', 1, 2);
    const at = clock.now();
    await receive('q', { max: 1 });
    clock.advance(9_000);
    await receive('q', { max: 1 });
    const { messages } = await call('peek', 'q', {});
    expect(messages.map((message) => message.firstReceivedAt)).toEqual([instant(at), instant(at + 9_000)]);
  });

  it('an edit keeps the time of the first receive', async () => {
    const { create, publish, receive, call, clock, engine } = driven();
    await create('q');
    const [id] = await publish('q', { body: 1 }, { body: 2 });
    const firstReceivedAt = instant(clock.now());
    const held = await receive('q');
    await call('release', 'q', { receipts: held.map(({ receipt }) => receipt) });
    await engine.call('updateMessage', { queue: 'q', id: id! }, { delaySeconds: 100, content: { body: 3 } });
    clock.advance(100_000);
    expect(await receive('q', { max: 2 })).toMatchObject([
      { body: 2, firstReceivedAt },
      { body: 3, firstReceivedAt },
    ]);
  });

  it('a first receive that is given back uncounted leaves no time, and one after another receive leaves the time of that', async () => {
    const { create, send, receive, clock, engine, call } = driven();
    await create('q');
    await send('q', 1);
    const [first] = await receive('q');
    await engine.giveBack('q', [first!.receipt]);
    expect((await call('peek', 'q', {})).messages[0]).not.toHaveProperty('firstReceivedAt');
    clock.advance(3_000);
    const firstReceivedAt = instant(clock.now());
    const [second] = await receive('q');
    expect(second).toMatchObject({ receives: 1, firstReceivedAt });
    await call('release', 'q', { receipts: [second!.receipt] });
    clock.advance(3_000);
    const [third] = await receive('q');
    await engine.giveBack('q', [third!.receipt]);
    expect((await call('peek', 'q', {})).messages).toMatchObject([{ receives: 1, firstReceivedAt }]);
  });

  it('the first receive is another one in a dead-letter queue, and after a redrive', async () => {
    const { create, send, receive, call, clock, redrive } = driven();
    await create('dead');
    await create('q', { deadLetter: { queue: 'dead', maxReceives: 5 } });
    await send('q', 1);
    const [held] = await receive('q');
    await call('release', 'q', { receipts: [held!.receipt], deadLetter: true });
    expect((await call('peek', 'dead', {})).messages[0]).not.toHaveProperty('firstReceivedAt');
    clock.advance(4_000);
    const [dead] = await receive('dead');
    expect(dead).toMatchObject({ firstReceivedAt: instant(clock.now()) });
    await call('release', 'dead', { receipts: [dead!.receipt] });
    await redrive('dead');
    clock.advance(4_000);
    expect(await receive('q')).toMatchObject([{ receives: 1, firstReceivedAt: instant(clock.now()) }]);
  });

  it('a kept message still shows when it was first received', async () => {
    const { create, publish, receive, ack, clock, engine } = driven();
    await create('q', { keep: { doneSeconds: 100, deadSeconds: 0 } });
    const [id] = await publish('q', { body: 1 });
    const firstReceivedAt = instant(clock.now());
    await ack('q', await receive('q'));
    clock.advance(50_000);
    expect(await engine.call('getMessage', { queue: 'q', id: id! }, {})).toMatchObject({ state: 'done', firstReceivedAt });
  });
});
