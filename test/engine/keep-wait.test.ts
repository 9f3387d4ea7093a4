/** getMessage with `waitSeconds`: it answers when the message has ended. */
import { expect, it } from 'vitest';
import { daySeconds } from '../support/durations.ts';
import { eventually } from '../support/eventually.ts';
import { onBothStores } from '../support/on-both-stores.ts';

const keep = { doneSeconds: 7 * daySeconds, deadSeconds: daySeconds };

onBothStores('waiting for the end of a message', (driven) => {
  const wait = (id: string, waitSeconds = 20, queue = 'q') => driven().engine.call('getMessage', { queue, id }, { waitSeconds });

  it('a waiting getMessage answers as soon as the message is done, by this process or another', async () => {
    for (const isOther of [false, true]) {
      const { create, publish, receive, clock, another, engine } = driven();
      const queue = `q-${isOther}`;
      await create(queue, { keep });
      await publish(queue, { id: 'job', body: 1 });
      const [message] = await receive(queue);
      clock.leaping = false;
      const waiting = wait('job', 20, queue);
      await eventually(() => clock.sleepers() > 0);
      const begun = clock.now();
      await (isOther ? another() : engine).call('ack', { queue }, { receipts: [message!.receipt], result: 'r' });
      if (isOther) clock.advance(50);
      expect(await waiting).toMatchObject({ state: 'done', result: 'r' });
      expect(clock.now() - begun).toBe(isOther ? 50 : 0);
      clock.leaping = true;
    }
  });

  it.each([
    ['all messages of its group', {}],
    ['the first messages of its group', { max: 1 }],
  ])('a waiting getMessage answers as soon as this process acks %s', async (_, input) => {
    const { create, publish, receive, ack, clock } = driven();
    await create('q', { keep });
    const ids = await publish('q', ...[{ id: 'own' }, {}].map((more) => ({ body: 1, group: 'g', ...more })));
    for (const id of ids) await publish('q', { body: id, group: 'g' });
    const messages = await receive('q', { max: 10, ...input });
    clock.leaping = false;
    const ended = messages.map(({ id }) => wait(id));
    await eventually(() => clock.sleepers() === ended.length);
    const begun = clock.now();
    await ack('q', messages);
    for (const one of await Promise.all(ended)) expect(one.state).toBe('done');
    expect(clock.now()).toBe(begun);
    clock.leaping = true;
  });

  it('a waiting getMessage answers at once when the message is cancelled or dead-lettered', async () => {
    const { create, publish, receive, call, clock, engine } = driven();
    await create('dead');
    await create('q', { keep, deadLetter: { queue: 'dead', maxReceives: 1 } });
    await publish('q', { id: 'a', body: 1 });
    await publish('q', { id: 'b', body: 2 });
    await engine.call('cancelMessage', { queue: 'q', id: 'a' }, {});
    const begun = clock.now();
    expect((await wait('a')).state).toBe('cancelled');
    const [message] = await receive('q');
    await call('release', 'q', { receipts: [message!.receipt], failed: 'no' });
    expect(await wait('b')).toMatchObject({ queue: 'dead', state: 'dead', deadLetter: { reason: 'max_receives', text: 'no' } });
    expect(clock.now()).toBe(begun);
  });

  it('a waiting getMessage answers as soon as this process dead-letters the message', async () => {
    const { create, publish, receive, call, clock } = driven();
    await create('dead');
    await create('q', { keep, deadLetter: { queue: 'dead', maxReceives: 1 } });
    await publish('q', { id: 'job', body: 1 });
    const [message] = await receive('q');
    clock.leaping = false;
    const waiting = wait('job');
    await eventually(() => clock.sleepers() > 0);
    const begun = clock.now();
    await call('release', 'q', { receipts: [message!.receipt], failed: 'no' });
    expect(await waiting).toMatchObject({ queue: 'dead', deadLetter: { text: 'no' } });
    expect(clock.now()).toBe(begun);
    clock.leaping = true;
  });

  it('a waiting getMessage answers with the state at the end of the wait, and looks less and less often', async () => {
    const { create, send, clock, spy } = driven();
    await create('q', { keep });
    const [id] = await send('q', 1);
    const begun = clock.now();
    spy.takeCounts();
    expect((await wait(id!)).state).toBe('ready');
    expect(clock.now() - begun).toBe(20_000);
    expect(spy.takeCounts().gets).toBeLessThan(100);
    expect(Math.max(...clock.slept)).toBe(1_000);
  });

  it('a waiting getMessage ends with message_not_found when the message is gone', async () => {
    const { create, send, receive, ack, clock } = driven();
    await create('q');
    const [id] = await send('q', 1);
    const messages = await receive('q');
    clock.leaping = false;
    const waiting = wait(id!);
    await eventually(() => clock.sleepers() > 0);
    await ack('q', messages);
    await expect(waiting).rejects.toMatchObject({ code: 'message_not_found' });
    clock.leaping = true;
  });
});
