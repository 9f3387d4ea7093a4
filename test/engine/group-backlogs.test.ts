/** Groups in which more waits than one call sees to, or shows. */
import { expect, it } from 'vitest';
import { StoreError } from '../../engine/port.ts';
import { retentionSecondsMin, sweepPeriodMs } from '../../sdk/limits.ts';
import { onBothStores } from './on-both-stores.ts';

const range = (count: number) => Array.from({ length: count }, (_, index) => index);

onBothStores('a long group', (driven) => {
  const publish = (group: string, body: string | number) => driven().publish('q', { body, group });

  /** So many messages, each published on its own. */
  async function publishApart(group: string, count: number): Promise<void> {
    for (const body of range(count)) await publish(group, body);
  }

  /** A group of so many and two more, most of them put as publishing would have put them: that takes long. */
  async function putApart(group: string, count: number): Promise<void> {
    await publish(group, 'first');
    const [first] = await driven().rows('messages');
    driven().clock.advance(1);
    await publish(group, 'last');
    const rows = range(count).map((index) => ({ ...first!, id: `${first!.id}${String(index).padStart(4, '0')}` }));
    const shard = first!.shard as string;
    await driven().watched.store.writeAll(
      rows.map((row) => ({ key: { table: 'messages', shard, id: row.id }, then: { put: row } })),
    );
  }

  /** With a group of messages that are all too old. */
  async function createExpired(count: number): Promise<void> {
    const { create, clock } = driven();
    await create('dead');
    await create('q', { retentionSeconds: retentionSecondsMin, deadLetter: { queue: 'dead', maxReceives: 3 } });
    await publishApart('old', count);
    clock.advance(retentionSecondsMin * 1000 + 1);
  }
  const deadLettered = async () => (await driven().call('getQueue', 'dead')).counts.dead;

  it('of messages that are too old does not make a receive fail, which gives others, and goes on with it', async () => {
    await createExpired(80);
    await driven().send('q', 'other');
    expect(await driven().bodies('q', { max: 1 })).toEqual(['other']);
    await publish('old', 'young');
    const given: unknown[] = [];
    for (let calls = 0; calls < 10 && given.length === 0; calls++) given.push(...(await driven().bodies('q', { max: 1 })));
    expect(given).toEqual(['young']);
    expect(await deadLettered()).toBe(80);
  });

  it('of messages that were purged does not make a receive fail either', async () => {
    const { call, clock, send, bodies } = driven();
    await driven().create('q');
    await putApart('purged', 3300);
    await call('purge', 'q');
    clock.advance(sweepPeriodMs);
    await send('q', 'other');
    expect(await bodies('q', { max: 1 })).toEqual(['other']);
    await publish('purged', 'later');
    const given: unknown[] = [];
    for (let calls = 0; calls < 10 && given.length === 0; calls++) given.push(...(await bodies('q', { max: 1 })));
    expect(given).toEqual(['later']);
  });

  it('of messages that are too old is swept a part at a time, as the report says', async () => {
    await createExpired(80);
    const sweeps = [];
    do {
      sweeps.push(await driven().sweep());
      driven().clock.advance(sweepPeriodMs);
    } while (!sweeps.at(-1)!.complete && sweeps.length < 5);
    const ofQueue = sweeps.map(({ queues }) => queues.find(({ name }) => name === 'q')!);
    expect(ofQueue.length).toBeGreaterThan(1);
    expect(ofQueue[0]!.waiting).toBe(1);
    expect(ofQueue.reduce((sum, queue) => sum + queue.deadLettered, 0)).toBe(80);
    expect(sweeps.at(-1)!.complete).toBe(true);
    expect(await deadLettered()).toBe(80);
  });

  it('whose row can not be written does not keep the sweep from the rest of its queue', async () => {
    const { watched, rows } = driven();
    await createExpired(1);
    const [row] = (await rows('leases')).filter(({ group }) => group);
    await publishApart('younger', 1);
    driven().clock.advance(retentionSecondsMin * 1000 + 1);
    watched.before = ({ method, keys }) => {
      const isRow = keys.some((key) => key.table === 'leases' && key.id === row!.id);
      if (method !== 'get' && isRow) throw new StoreError('not now', 'no');
    };
    const report = await driven().sweep();
    expect(report.complete).toBe(false);
    expect(report.queues.find(({ name }) => name === 'q')).toMatchObject({ deadLettered: 1 });
    watched.before = () => {};
    expect(await driven().sweep()).toMatchObject({ complete: true });
    expect(await deadLettered()).toBe(2);
  });
});
