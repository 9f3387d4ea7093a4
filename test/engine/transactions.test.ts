/** Publishing and acking as entries of a transaction of the caller: together with its other writes, or not at all. */
import { expect, it } from 'vitest';
import type { OutputOf, PublishEntry, ReceivedMessage, TransactionItem } from '../../contract/contract.ts';
import {
  endGraceMs,
  shardsGrowPauseMs,
  shardsIdleMs,
  sweepPeriodMs,
  tombstoneMs,
  transactionBytesMax,
  transactionEntriesMax,
} from '../../contract/limits.ts';
import { readQueue } from '../../engine/model/queue-record.ts';
import type { Row } from '../../engine/port/port.ts';
import type { DrivenEngine } from '../support/driven-engine.ts';
import { noise } from '../support/noise.ts';
import { onEveryStore } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';

const leaseMs = 30_000;

function make({ call }: DrivenEngine, ...messages: PublishEntry[]): Promise<OutputOf<'publishItems'>> {
  return call('publishItems', 'q', { messages });
}

async function ackItems({ call }: DrivenEngine, messages: readonly ReceivedMessage[]): Promise<TransactionItem[]> {
  return (await call('ackItems', 'q', { receipts: messages.map(({ receipt }) => receipt) })).items;
}

/** An entry of the caller: a row that must not exist yet. */
function order({ transactionItem }: DrivenEngine, name = 'order-1'): TransactionItem {
  const key = { kind: 'order', name };
  return transactionItem({ key: { table: 'queues', ...key }, when: { absent: ['kind'] }, then: { put: key } });
}

async function orders({ rows }: DrivenEngine): Promise<unknown[]> {
  return (await rows('queues')).filter(({ kind }) => kind === 'order').map(({ name }) => name);
}

async function state({ rows }: DrivenEngine): Promise<Row[][]> {
  return [await rows('messages'), await rows('leases')];
}

onEveryStore('publishing in a transaction of the caller', (driven) => {
  it('publishItems publishes together with the other writes of the transaction, under the ids it returned', async () => {
    const engine = driven();
    await engine.create('q');
    const { items, ids } = await make(engine, { body: 1 }, { body: 2, id: 'own' }, { body: 3, delaySeconds: 5 }, { body: 4 });
    expect(await engine.bodies('q')).toEqual([]);
    expect(await engine.commit([...items, order(engine)])).toEqual([]);
    expect(await orders(engine)).toEqual(['order-1']);
    const received = await engine.receive('q');
    engine.clock.advance(5_000);
    received.push(...(await engine.receive('q')));
    expect(Object.fromEntries(received.map(({ id, body }) => [id, body]))).toEqual({
      [ids[0]!]: 1,
      own: 2,
      [ids[2]!]: 3,
      [ids[3]!]: 4,
    });
    expect(ids[1]).toBe('own');
    expect(await engine.ack('q', received)).toEqual(range(4).map(() => ({ ok: true })));
  });

  it('publishItems makes one entry for ten small messages', async () => {
    const engine = driven();
    await engine.create('q');
    const { items } = await make(engine, ...range(20).map((body) => ({ body })));
    expect(items).toHaveLength(2);
  });

  it('publishItems publishes nothing and leaves nothing when the transaction is cancelled', async () => {
    const engine = driven();
    await engine.create('q', { retentionSeconds: null });
    const before = await state(engine);
    await engine.commit([order(engine)]);
    const { items } = await make(engine, { body: noise(3_000) }, { body: 1, id: 'own' }, { body: 2, delaySeconds: 5 });
    expect(await engine.commit([...items, order(engine)])).toEqual([items.length]);
    expect(await state(engine)).toEqual(before);
  });

  it('publishItems carries large bodies in the same transaction', async () => {
    const engine = driven();
    await engine.create('q');
    const bodies = [noise(3_000), noise(700_000)];
    const { items } = await make(engine, { body: bodies[0]! }, { body: bodies[1]!, id: 'large' });
    expect(items.length).toBeGreaterThan(3);
    expect(await engine.commit(items)).toEqual([]);
    const received = await engine.receive('q');
    expect(received.map(({ body }) => body).sort()).toEqual([...bodies].sort());
  });

  it('publishItems refuses more than a transaction can hold', async () => {
    const engine = driven();
    await engine.create('q');
    const own = range(transactionEntriesMax).map((index) => ({ id: `own-${index}`, body: index === 0 ? noise(3_000) : 1 }));
    await expect(make(engine, ...own)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(String(transactionEntriesMax)),
    });
    await expect(make(engine, ...range(9).map(() => ({ body: noise(1_000_000) })))).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(String(transactionBytesMax)),
    });
  });

  it('publishItems refuses the whole call for one bad message', async () => {
    const engine = driven();
    await engine.create('q');
    await expect(make(engine, { body: 1 }, { body: 2, delaySeconds: -1 })).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('messages[1].delaySeconds'),
    });
    await expect(make(engine, { body: 1, priority: 3 })).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(make(engine, { body: 1, id: 'a' }, { body: 2, id: 'a' })).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('messages[1].id'),
    });
  });

  it('publishItems with a taken own id cancels the transaction, until an hour after the first message was done', async () => {
    const engine = driven();
    await engine.create('q');
    await engine.publish('q', { body: 'first', id: 'own' });
    const again = async () => engine.commit([order(engine), ...(await make(engine, { body: 'second', id: 'own' })).items]);
    expect(await again()).toEqual([1]);
    await engine.ack('q', await engine.receive('q'));
    expect(await again()).toEqual([1]);
    expect(await orders(engine)).toEqual([]);
    engine.clock.advance(tombstoneMs + 1);
    expect(await again()).toEqual([]);
    expect(await engine.bodies('q')).toEqual(['second']);
  });

  it('publishItems committed twice publishes nothing more while the first messages are remembered', async () => {
    const engine = driven();
    await engine.create('q');
    const { items } = await make(engine, { body: 1 }, { body: 2, delaySeconds: 1 });
    expect(await engine.commit(items)).toEqual([]);
    engine.clock.advance(1_000);
    await engine.ack('q', await engine.receive('q'));
    expect(await engine.commit(items.slice(0, 1))).toEqual([]);
    expect(await engine.commit(items.slice(1))).toEqual([0]);
    expect(await engine.bodies('q')).toEqual([]);
  });

  it('publishItems is refused where the store offers no transactions', async () => {
    const engine = driven();
    await engine.create('q');
    const { createEngine } = await import('../../engine/create.ts');
    const { seededRandom } = await import('../../engine/port/random.ts');
    const other = createEngine({ store: engine.spy.store, clock: engine.clock, random: seededRandom(9) });
    await expect(other.call('publishItems', { queue: 'q' }, { messages: [{ body: 1 }] })).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('npm start -- --dynamodb'),
    });
  });
});

onEveryStore('acking in a transaction of the caller', (driven) => {
  it('ackItems acks together with the other writes of the transaction', async () => {
    const engine = driven();
    await engine.create('q');
    await engine.send('q', 1);
    const messages = await engine.receive('q');
    const items = await ackItems(engine, messages);
    expect(await engine.commit([...items, order(engine)])).toEqual([]);
    expect(await orders(engine)).toEqual(['order-1']);
    expect(await engine.ack('q', messages)).toEqual([{ ok: true }]);
    engine.clock.advance(leaseMs);
    expect(await engine.receive('q')).toEqual([]);
    expect((await engine.rows('leases')).map(({ expiry, ttl }) => [expiry, typeof ttl])).toEqual([[undefined, 'number']]);
  });

  it('ackItems leaves the lease as it was when the transaction is cancelled', async () => {
    const engine = driven();
    await engine.create('q');
    await engine.send('q', 1, 2);
    const messages = await engine.receive('q');
    await engine.commit([order(engine)]);
    const before = await state(engine);
    for (const held of [messages.slice(0, 1), messages]) {
      expect(await engine.commit([order(engine), ...(await ackItems(engine, held))])).toEqual([0]);
    }
    expect(await state(engine)).toEqual(before);
    expect(await engine.ack('q', messages)).toEqual([{ ok: true }, { ok: true }]);
  });

  it.each([
    ['another receive took the message', async (engine: DrivenEngine) => void (await engine.receive('q'))],
    [
      'the message was released',
      async (engine: DrivenEngine, held: ReceivedMessage[]) =>
        void (await engine.call('release', 'q', { receipts: held.map(({ receipt }) => receipt) })),
    ],
    ['the message was acked', async (engine: DrivenEngine, held: ReceivedMessage[]) => void (await engine.ack('q', held))],
    [
      'another transaction acked the message',
      async (engine: DrivenEngine, held: ReceivedMessage[]) => void (await engine.commit(await ackItems(engine, held))),
    ],
    [
      'the message was cancelled',
      async (engine: DrivenEngine, [held]: ReceivedMessage[]) =>
        void (await engine.engine.call('cancelMessage', { queue: 'q', id: held!.id }, { force: true })),
    ],
  ])('ackItems cancels the transaction if %s meanwhile', async (_, happens) => {
    for (const parcel of [1, 3]) {
      const engine = driven();
      await engine.call('deleteQueue', 'q').catch(() => undefined);
      await engine.create('q');
      await engine.send('q', ...range(parcel));
      const held = (await engine.receive('q')).slice(0, 1);
      const items = await ackItems(engine, held);
      engine.clock.advance(leaseMs);
      await happens(engine, held);
      expect(await engine.commit([order(engine), ...items]), `of ${parcel}`).toEqual([1]);
      expect(await orders(engine)).toEqual([]);
    }
  });

  it('ackItems with an expired lease commits while no other receive has taken the message', async () => {
    const engine = driven();
    await engine.create('q');
    await engine.send('q', 1);
    const items = await ackItems(engine, await engine.receive('q'));
    engine.clock.advance(3 * leaseMs);
    expect(await engine.commit(items)).toEqual([]);
    expect(await engine.receive('q')).toEqual([]);
  });

  it('ackItems makes one entry for all messages of a row', async () => {
    const engine = driven();
    await engine.create('q');
    await engine.send('q', ...range(10));
    await engine.send('q', ...range(4));
    const messages = await engine.receive('q');
    expect(messages).toHaveLength(14);
    const items = await ackItems(engine, [...messages, ...messages.slice(0, 3)]);
    expect(items).toHaveLength(2);
    expect(await engine.commit([...items, order(engine)])).toEqual([]);
    expect((await engine.rows('leases')).map(({ expiry }) => expiry)).toEqual([undefined, undefined]);
    engine.clock.advance(leaseMs);
    expect(await engine.receive('q')).toEqual([]);
  });

  it('ackItems for some messages of a row leaves the others leased, and the last one ends the row', async () => {
    const engine = driven();
    await engine.create('q');
    await engine.send('q', ...range(5));
    const messages = await engine.receive('q');
    expect(await engine.commit(await ackItems(engine, messages.slice(0, 2)))).toEqual([]);
    expect(await engine.ack('q', messages.slice(0, 1))).toEqual([{ ok: true }]);
    expect(await engine.commit(await ackItems(engine, messages.slice(2, 4)))).toEqual([]);
    expect((await engine.call('getQueue', 'q')).counts).toMatchObject({ leased: 1, ready: 0 });
    engine.clock.advance(leaseMs);
    const rest = await engine.receive('q');
    expect(rest.map(({ body }) => body)).toEqual([4]);
    expect(await engine.commit(await ackItems(engine, rest))).toEqual([]);
    engine.clock.advance(leaseMs);
    await engine.sweep();
    expect((await engine.rows('leases')).map(({ expiry, ttl }) => [expiry, typeof ttl])).toEqual([[undefined, 'number']]);
    expect(await engine.receive('q')).toEqual([]);
  });

  it('ackItems cancels the transaction when one of several leases was lost', async () => {
    const engine = driven();
    await engine.create('q');
    await engine.send('q', 1, 2);
    const messages = await engine.receive('q');
    const items = await ackItems(engine, messages);
    await engine.call('release', 'q', { receipts: [messages[1]!.receipt] });
    expect(await engine.commit([...items, order(engine)])).toEqual([0]);
    expect(await engine.ack('q', messages.slice(0, 1))).toEqual([{ ok: true }]);
  });

  it('ackItems ends rows with offloaded bodies in a queue without retention, and messages taken out of their parcel', async () => {
    const engine = driven();
    await engine.create('q', { retentionSeconds: null });
    await engine.send('q', noise(3_000), noise(3_001));
    const [, second] = await engine.send('q', 3, 4);
    await engine.engine.call('cancelMessage', { queue: 'q', id: second! }, {});
    const messages = await engine.receive('q');
    expect(messages).toHaveLength(3);
    expect(await engine.commit(await ackItems(engine, messages))).toEqual([]);
    engine.clock.advance(leaseMs);
    await engine.sweep();
    engine.clock.advance(endGraceMs);
    await engine.sweep();
    expect(await engine.rows('messages')).toEqual([]);
    const leases = await engine.rows('leases');
    expect(leases).not.toEqual([]);
    for (const { expiry, ttl } of leases) expect([expiry, typeof ttl]).toEqual([undefined, 'number']);
  });

  it('ackItems refuses invalid receipts, and two receipts of one message', async () => {
    const engine = driven();
    await engine.create('q');
    await engine.create('other');
    await engine.send('q', 1);
    await engine.send('other', 1);
    const first = await engine.receive('q', { visibilityTimeoutSeconds: 1 });
    const items = (receipts: unknown[]) => engine.call('ackItems', 'q', { receipts: receipts as string[] });
    const [others] = await engine.receive('other');
    for (const bad of ['', 'x', 7, null, others!.receipt]) {
      await expect(items([first[0]!.receipt, bad])).rejects.toMatchObject({
        code: 'invalid_receipt',
        message: expect.stringContaining('receipts[1]'),
      });
    }
    engine.clock.advance(1_000);
    const [again] = await engine.receive('q');
    await expect(items([first[0]!.receipt, again!.receipt])).rejects.toMatchObject({ code: 'lease_lost' });
  });

  it('ackItems checks against the row what a forged receipt claims', async () => {
    const engine = driven();
    await engine.create('q', { retentionSeconds: null });
    await engine.send('q', noise(3_000), 2);
    const messages = await engine.receive('q');
    // The forged receipts claim that no body needs cleanup, or that the message is alone in its row: each would lose something.
    const ending = /\.2e(?=[^.]*\.[^.]*$)/;
    const forged = messages.map((message) => ({ ...message, receipt: message.receipt.replace(ending, '.2') }));
    expect(forged[0]!.receipt).not.toBe(messages[0]!.receipt);
    expect(await engine.commit(await ackItems(engine, forged))).toEqual([0]);
    const alone = { ...messages[0]!, receipt: messages[0]!.receipt.replace(ending, '.1') };
    expect(await engine.commit(await ackItems(engine, [alone]))).toEqual([0]);
    expect(await engine.ack('q', messages)).toEqual([{ ok: true }, { ok: true }]);

    await engine.send('q', 3, 4);
    const [first, second] = await engine.receive('q');
    const asIfAlone = { ...first!, receipt: first!.receipt.replace(/\.2(?=[^.]*\.[^.]*$)/, '.1') };
    expect(asIfAlone.receipt).not.toBe(first!.receipt);
    expect(await engine.commit(await ackItems(engine, [asIfAlone]))).toEqual([0]);
    expect(await engine.ack('q', [second!])).toEqual([{ ok: true }]);
  });
});

onEveryStore('transaction items that are refused', (driven) => {
  it('refused transaction items change nothing, not even the record of the queue', async () => {
    const { call, create, rows, send } = driven();
    await create('q');
    await send('q', 1);
    const everything = async () => [await rows('messages'), await rows('leases'), await rows('queues')];
    const before = await everything();
    const twice = [
      { body: 1, id: 'same' },
      { body: 2, id: 'same' },
    ];
    const large = range(8).map(() => ({ body: noise(1_000_000) }));
    for (const messages of [twice, large, [{ body: 1, dedupKey: 'k' }], [{}], [{ body: 1, delaySeconds: -1 }]])
      await expect(call('publishItems', 'q', { messages })).rejects.toMatchObject({ code: 'invalid_input' });
    for (const receipt of ['nonsense', 5 as never])
      await expect(call('ackItems', 'q', { receipts: [receipt] })).rejects.toMatchObject({ code: 'invalid_receipt' });
    expect(await everything()).toEqual(before);
    await call('publishItems', 'q', { messages: [{ body: 1 }] });
    expect(await everything()).not.toEqual(before);
  });
});

onEveryStore('a transaction that commits late', (driven) => {
  async function shards({ rows }: DrivenEngine) {
    const row = (await rows('queues')).find(({ kind }) => kind === 'queue');
    return readQueue(row!);
  }

  it('a late transaction publishes into a forgotten shard, where the sweep finds the messages', async () => {
    const engine = driven();
    const { clock, spy } = engine;
    await engine.create('q');
    const store = spy.store;
    let throttle = (_: string) => {};
    const onThrottled = (listener: typeof throttle) => {
      throttle = listener;
    };
    const grown = engine.another({ ...store, onThrottled });
    const target = { queue: 'q' };
    for (let count = 1; count < 4; count *= 2) {
      clock.advance(shardsGrowPauseMs);
      throttle(`${(await shards(engine)).incarnation}:${count - 1}`);
      await grown.call('receive', target, {});
    }
    expect(await shards(engine)).toMatchObject({ shards: 4, shardsVisited: 4, shardsEver: 4 });
    const bodies = range(16);
    const made: TransactionItem[] = [];
    for (const body of bodies) made.push(...(await grown.call('publishItems', target, { messages: [{ body }] })).items);
    // Meanwhile the queue shrinks to one shard and forgets the others.
    for (let step = 0; (await shards(engine)).shardsVisited > 1; step++) {
      expect(step).toBeLessThan(10);
      clock.advance(shardsIdleMs + 10 * sweepPeriodMs);
      await engine.sweep();
    }
    expect(await engine.commit(made)).toEqual([]);
    const used = new Set((await engine.rows('messages')).map(({ shard }) => shard));
    expect(used.size).toBe(4);

    const found: unknown[] = [];
    for (let minute = 0; minute <= 6; minute++) {
      await engine.sweep();
      clock.advance(sweepPeriodMs);
      const received = await engine.receive('q');
      found.push(...received.map(({ body }) => body));
      if (received.length > 0) await engine.ack('q', received);
    }
    expect(found.sort((a, b) => Number(a) - Number(b))).toEqual(bodies);
    for (let step = 0; (await shards(engine)).shardsVisited > 1; step++) {
      expect(step).toBeLessThan(10);
      clock.advance(shardsIdleMs + 10 * sweepPeriodMs);
      await engine.sweep();
    }
    expect(await shards(engine)).toMatchObject({ shards: 1, shardsVisited: 1, shardsEver: 4 });
  });

  it('a purge also removes the messages of a transaction that was made before the purge and committed after it', async () => {
    const engine = driven();
    await engine.create('q');
    const { items } = await make(engine, { body: 'before' });
    engine.clock.advance(10_000);
    await engine.call('purge', 'q');
    expect(await engine.commit(items)).toEqual([]);
    await engine.send('q', 'after');
    expect(await engine.bodies('q')).toEqual(['after']);
  });
});
