/** Subscriptions that end by themselves when nothing receives from their queue. */
import { expect, it } from 'vitest';
import { clockMarginMs } from '../../contract/limits.ts';
import { minuteMs, secondMs } from '../support/durations.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { expectConsistent } from '../support/topic-rows.ts';

const topic = 't';
const subscribed = { topic, subscription: 's' };
const queue = 't~s';
const expiresAfterSeconds = 80;
/** Without a receive, the sweep ends the subscription this long after the last one that was recorded. */
const endMs = 100 * secondMs + 2 * clockMarginMs;
const noteMs = 20 * secondMs;

onBothStores('a subscription that ends without receives', (driven) => {
  async function start() {
    const { engine, clock } = driven();
    await engine.call('createTopic', { topic }, {});
    await engine.call('subscribe', subscribed, { expiresAfterSeconds });
    const { createdAt } = await engine.call('getSubscription', subscribed, {});
    clock.advance(Date.parse(createdAt) - clock.now());
    return driven();
  }
  const exists = async () => (await expectConsistent(driven())).includes(queue);

  it('it ends, with its queue, when it was without a receive for its time, and is reported', async () => {
    const { sweep, clock, events, call } = await start();
    clock.advance(endMs - 1);
    await sweep();
    expect(await exists()).toBe(true);
    clock.advance(1);
    await sweep();
    expect(await exists()).toBe(false);
    expect(events).toContainEqual({ kind: 'subscription_ended', topic, subscription: 's' });
    await expect(call('receive', queue)).rejects.toMatchObject({ code: 'queue_not_found' });
  });

  it('it stays as long as something receives, even if the queue is empty or paused', async () => {
    const { sweep, clock, receive, call } = await start();
    await call('updateQueue', queue, { paused: true });
    for (let at = 0; at < 10; at++) {
      clock.advance(expiresAfterSeconds * secondMs - 1);
      expect(await receive(queue)).toEqual([]);
      await sweep();
      expect(await exists()).toBe(true);
    }
  });

  it('it stays as long as a consumer that is busy with a message extends its lease', async () => {
    const { sweep, clock, receive, call, send } = await start();
    await send(queue, 'takes long');
    const [message] = await receive(queue);
    for (let at = 0; at < 10; at++) {
      clock.advance(expiresAfterSeconds * secondMs - 1);
      await call('extend', queue, { receipts: [message!.receipt] });
      await sweep();
      expect(await exists()).toBe(true);
    }
  });

  it('a receive writes at most once in a quarter of the time, and not at all if the subscription does not end', async () => {
    const { engine, clock, receive, spy } = await start();
    const writes = async (name: string) => {
      spy.takeCounts();
      await receive(name);
      return spy.takeCounts().puts;
    };
    clock.advance(noteMs - 1);
    expect(await writes(queue)).toBe(0);
    clock.advance(1);
    expect(await writes(queue)).toBe(1);
    expect(await writes(queue)).toBe(0);
    clock.advance(noteMs);
    expect(await writes(queue)).toBe(1);
    await engine.call('subscribe', { topic, subscription: 'forever' }, {});
    clock.advance(10 * minuteMs);
    expect(await writes('t~forever')).toBe(0);
  });

  it('no receive is followed by the end of the subscription sooner than after its time', async () => {
    const { sweep, clock, receive } = await start();
    clock.advance(noteMs - 1);
    // Too soon after the last one to be recorded.
    await receive(queue);
    clock.advance(expiresAfterSeconds * secondMs);
    await sweep();
    expect(await exists()).toBe(true);
  });

  it('a receive that comes between the read and the end of the subscription keeps it', async () => {
    const { sweep, clock, spy, another, engine } = await start();
    clock.advance(endMs);
    let received = false;
    spy.before = async ({ method }) => {
      if (method !== 'transact' || received) return;
      received = true;
      await another().call('receive', { queue }, {});
    };
    await sweep();
    expect(received).toBe(true);
    expect(await exists()).toBe(true);
    expect(await engine.call('getTopic', { topic }, {})).toMatchObject({ subscriptions: 1 });
  });

  it('a receive that comes just after the end of the subscription is refused', async () => {
    const { sweep, clock, spy, another } = await start();
    const other = another();
    await other.call('receive', { queue }, {});
    clock.advance(endMs);
    await other.call('getQueue', { queue }, {});
    let swept = false;
    spy.before = async ({ method, keys }) => {
      if (swept || method !== 'write' || keys[0]?.table !== 'queues') return;
      swept = true;
      await sweep();
    };
    await expect(other.call('receive', { queue }, {})).rejects.toMatchObject({ code: 'queue_not_found' });
    expect(swept).toBe(true);
    expect(await exists()).toBe(false);
  });

  it('a change of its time counts from the change', async () => {
    const { engine, sweep, clock } = await start();
    clock.advance(endMs - secondMs);
    await engine.call('updateSubscription', subscribed, { expiresAfterSeconds: 60 });
    clock.advance(60 * secondMs);
    await sweep();
    expect(await exists()).toBe(true);
    clock.advance(15 * secondMs + 2 * clockMarginMs);
    await sweep();
    expect(await exists()).toBe(false);
    await engine.call('subscribe', subscribed, { expiresAfterSeconds });
    await engine.call('updateSubscription', subscribed, { expiresAfterSeconds: null });
    clock.advance(60 * minuteMs);
    await sweep();
    expect(await exists()).toBe(true);
  });

  it('it stays while its queue is the dead-letter queue of another', async () => {
    const { sweep, clock, create, call } = await start();
    await create('q', { deadLetter: { queue, maxReceives: 3 } });
    clock.advance(endMs);
    await sweep();
    expect(await exists()).toBe(true);
    await call('deleteQueue', 'q');
    await sweep();
    expect(await exists()).toBe(false);
  });
});
