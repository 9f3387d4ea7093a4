/** Groups with more messages than one call handles or shows. */
import { expect, it } from 'vitest';
import type { Message, MessageState } from '../../contract/contract.ts';
import {
  bodyBytesMax,
  callBytesMax,
  countRowsMax,
  headRowsMax,
  parcelBytesMax,
  parcelSlotsMax,
  retentionSecondsMin,
  sweepPeriodMs,
} from '../../contract/limits.ts';
import { StoreError } from '../../engine/port/port.ts';
import { noise } from '../support/noise.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';

onBothStores('a long group', (driven) => {
  const publish = (group: string, body: string | number) => driven().publish('q', { body, group });

  /** Publishes this many messages, one by one. */
  async function publishApart(group: string, count: number): Promise<void> {
    for (const body of range(count)) await publish(group, body);
  }

  /** A group of `count` + 2 messages. Most rows are copied, because publishing them would take too long. */
  async function putApart(group: string, count: number): Promise<void> {
    const [id] = await publish(group, 'first');
    const first = (await driven().rows('messages')).find((row) => id!.startsWith(`${row.id}-`));
    driven().clock.advance(1);
    await publish(group, 'last');
    const rows = range(count).map((index) => ({ ...first!, id: `${first!.id}${String(index).padStart(4, '0')}` }));
    const shard = first!.shard as string;
    await driven().spy.store.writeAll(rows.map((row) => ({ key: { table: 'messages', shard, id: row.id }, then: { put: row } })));
  }

  /** Creates queues, and a group of expired messages. */
  async function createExpired(count: number): Promise<void> {
    const { create, clock } = driven();
    await create('dead');
    await create('q', { retentionSeconds: retentionSecondsMin, deadLetter: { queue: 'dead', maxReceives: 3 } });
    await publishApart('old', count);
    clock.advance(retentionSecondsMin * 1000 + 1);
  }
  const deadLettered = async () => (await driven().call('getQueue', 'dead')).counts.dead;

  async function pages(limit: number, state?: MessageState): Promise<Message[][]> {
    const found: Message[][] = [];
    let cursor: string | undefined;
    do {
      const page = await driven().call('peek', 'q', { limit, ...(state ? { state } : {}), ...(cursor ? { cursor } : {}) });
      found.push(page.messages);
      expect(found.length, 'pages without end').toBeLessThan(100);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return found;
  }
  const bodiesOf = (messages: readonly Message[]) => messages.map(({ body }) => body);

  it('a long group of expired messages does not make a receive fail, and the receive delivers others and then the group', async () => {
    await createExpired(80);
    await driven().send('q', 'other');
    expect(await driven().bodies('q', { max: 1 })).toEqual(['other']);
    await publish('old', 'young');
    const given: unknown[] = [];
    for (let calls = 0; calls < 10 && given.length === 0; calls++) given.push(...(await driven().bodies('q', { max: 1 })));
    expect(given).toEqual(['young']);
    expect(await deadLettered()).toBe(80);
  });

  it('a long group of purged messages does not make a receive fail', async () => {
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

  it('a long group of expired messages is swept in parts, as the report says', async () => {
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

  it('a group whose row cannot be written does not keep the sweep from the rest of its queue', async () => {
    const { spy, rows } = driven();
    await createExpired(1);
    const [row] = (await rows('leases')).filter(({ group }) => group);
    await publishApart('younger', 1);
    driven().clock.advance(retentionSecondsMin * 1000 + 1);
    spy.before = ({ method, keys }) => {
      const isRow = keys.some((key) => key.table === 'leases' && key.id === row!.id);
      if (method !== 'get' && isRow) throw new StoreError('not now', 'no');
    };
    const report = await driven().sweep();
    expect(report.complete).toBe(false);
    expect(report.queues.find(({ name }) => name === 'q')).toMatchObject({ deadLettered: 1 });
    spy.before = () => {};
    expect(await driven().sweep()).toMatchObject({ complete: true });
    expect(await deadLettered()).toBe(2);
  });

  it('a group of large messages is peeked in pages that one answer can carry', async () => {
    await driven().create('q');
    const large = range(7).map((index) => `${index}${noise(bodyBytesMax - 3)}`);
    for (const body of large) await publish('a', body);
    const found = await pages(100);
    expect(bodiesOf(found.flat())).toEqual(large);
    for (const messages of found) {
      expect(Buffer.byteLength(JSON.stringify(JSON.stringify({ messages })))).toBeLessThanOrEqual(callBytesMax);
    }
  });

  it('a group of messages published together is peeked in one page if one answer can carry it', async () => {
    await driven().create('q');
    const bodies = range(4 * parcelSlotsMax).map((index) => `${index}${noise(parcelBytesMax / parcelSlotsMax - 100)}`);
    await driven().publish('q', ...bodies.map((body) => ({ body, group: 'a' })));
    expect((await pages(100)).map(bodiesOf)).toEqual([bodies]);
  });

  it('a group is read by a peek only when its turn comes, and not for leased messages', async () => {
    const { call, spy } = driven();
    await driven().create('q');
    for (const group of range(12)) await publishApart(`group ${group}`, 3);
    spy.takeCounts();
    const ofTables = 2;
    for (const limit of [1, 3]) {
      expect((await call('peek', 'q', { limit })).messages.length).toBe(limit);
      expect(spy.takeCounts().ranges).toBe(ofTables + 1);
    }
    expect((await call('peek', 'q', { state: 'leased' })).messages).toEqual([]);
    expect(spy.takeCounts().ranges).toBeLessThanOrEqual(ofTables);
    for (const limit of [1, 2, 3, 5, 36]) {
      const found = await pages(limit);
      expect(found.every(({ length }) => length <= limit)).toBe(true);
      const listed = found.flat();
      expect(new Set(listed.map(({ id }) => id)).size).toBe(listed.length);
      for (const group of range(12)) {
        expect(bodiesOf(listed.filter((message) => message.group === `group ${group}`))).toEqual([0, 1, 2]);
      }
    }
  });

  it('groups of which nothing is shown cost a page of peek a bounded number of reads', async () => {
    const { call, clock, spy } = driven();
    await driven().create('q');
    const groups = 8;
    for (const group of range(groups)) await putApart(`purged ${group}`, headRowsMax);
    await call('purge', 'q');
    clock.advance(sweepPeriodMs);
    await publish('other', 'other');
    spy.takeCounts();
    const { messages, cursor } = await call('peek', 'q');
    expect(messages).toEqual([]);
    expect(cursor).toBeDefined();
    expect(spy.takeCounts().ranges).toBeLessThan(groups);
    expect(bodiesOf((await pages(1)).flat())).toEqual(['other']);
  });

  const counts = async () => (await driven().call('getQueue', 'q')).counts;

  it('a long group is counted as far as it is read, and atLeast says that there is more', async () => {
    await driven().create('q');
    await putApart('a', headRowsMax - 2);
    expect(await counts()).toMatchObject({ ready: headRowsMax, atLeast: false });
    await publish('a', 'one more');
    expect(await counts()).toMatchObject({ ready: headRowsMax, atLeast: true });
  });

  it('many long groups are counted up to a limit, and atLeast says that there is more', async () => {
    await driven().create('q');
    const readMax = countRowsMax / headRowsMax;
    for (const group of range(2 * readMax)) await putApart(`group ${group}`, headRowsMax - 2);
    driven().spy.takeCounts();
    expect(await counts()).toMatchObject({ ready: countRowsMax, atLeast: true });
    expect(driven().spy.takeCounts().ranges).toBeLessThan(2 * readMax);
  });
});
