/** Unreadable messages are set aside, where they can be read as stored and cancelled. The others are delivered. */
import { expect, it } from 'vitest';
import type { Json } from '../../contract/contract.ts';
import type { Key, Row } from '../../engine/port/port.ts';
import { noise } from '../support/noise.ts';
import { onBothStores } from '../support/on-both-stores.ts';

const large = noise(5000);
const twice = (bytes: Uint8Array) => new Uint8Array(Buffer.from(Buffer.from(bytes).toString('base64')));
const repeated = Array.from({ length: 200 }, (_, n) => `line ${n % 5}`);

/** The body of a message, and how its stored row is damaged. */
const damages: [name: string, body: Json, damage: (row: Row) => Row][] = [
  ['bodies that are not JSON', 1, (row) => ({ ...row, bodies: '[[{"a":}]]' })],
  ['bodies that are not a list', 1, (row) => ({ ...row, bodies: '{"a":1}' })],
  ['an entry that is not a list', 1, (row) => ({ ...row, bodies: '[1]' })],
  ['an empty entry', 1, (row) => ({ ...row, bodies: '[[]]' })],
  ['attributes that are not an object', 1, (row) => ({ ...row, bodies: '[[1,"a"]]' })],
  ['no entry', 1, (row) => ({ ...row, bodies: '[]' })],
  ['deflated bodies that were encoded twice', repeated, (row) => ({ ...row, bodies: twice(row.bodies as Uint8Array) })],
  ['bodies of another type', 1, (row) => ({ ...row, bodies: { S: '[[1]]' } })],
  ['no bodies', 1, ({ bodies: _, ...row }) => row],
  ['chunks of another type', large, (row) => ({ ...row, chunks: 'one' })],
  ['an age of another type', 1, (row) => ({ ...row, since: 'yesterday' })],
];
const inMessages: typeof damages = [
  ['a count of another type', 1, (row) => ({ ...row, count: { N: '1' } })],
  ['a count beyond the limit', 1, (row) => ({ ...row, count: 1_000_000 })],
];
const inLeases: typeof damages = [
  ['slots of another type', 1, (row) => ({ ...row, slots: 'one' })],
  ['a slot of another type', 1, (row) => ({ ...row, slots: [{ v: { N: '1' } }] })],
  ['ended leases that are cut short', 1, (row) => ({ ...row, slots: [{ v: 1, m: ['f', 1] }] })],
  ['no version', 1, ({ version: _, ...row }) => row],
];

onBothStores('unreadable messages', (driven) => {
  const keyOf = (table: Key['table'], row: Row): Key =>
    table === 'leases' ? { table, id: row.id as string } : ({ table, shard: row.shard, id: row.id } as Key);

  async function replaceRow(
    table: Key['table'],
    isMeant: (row: Row) => boolean,
    damage: (row: Row) => Row | undefined,
  ): Promise<void> {
    const found = (await driven().rows(table)).filter(isMeant);
    expect(found.length).toBeGreaterThan(0);
    for (const row of found) {
      const put = damage(row);
      await driven().spy.store.write({ key: keyOf(table, row), then: put ? { put } : { remove: true } });
    }
  }

  const shown = async (queue: string, id: string) => {
    const { messages } = await driven().call('peek', queue);
    const [peeked] = messages.filter((message) => message.id === id);
    expect(await driven().engine.call('getMessage', { queue, id }, {})).toEqual(peeked);
    return peeked!;
  };

  const cases = [
    ...[...damages, ...inMessages].flatMap((one) => [['messages', true, ...one] as const, ['messages', false, ...one] as const]),
    ...[...damages, ...inLeases].flatMap((one) => [['leases', true, ...one] as const, ['leases', false, ...one] as const]),
  ];

  it('the table of damaged rows has cases for both tables', () => {
    expect(new Set(cases.map(([table]) => table))).toEqual(new Set(['messages', 'leases']));
  });

  it.each(
    cases,
  )('an unreadable row in %s is set aside and the others are delivered, with a dead-letter queue %s: %s', async (table, hasDeadLetter, _, body, damage) => {
    const { create, publish, receive, ack, sweep, call, engine, clock, events } = driven();
    await create('dead');
    await create('q', { deadLetter: hasDeadLetter ? { queue: 'dead', maxReceives: 1 } : null });
    const delay = table === 'leases' ? { delaySeconds: 1 } : {};
    await publish('q', { body: 'before', ...delay });
    const [id] = await publish('q', { body, ...delay });
    await publish('q', { body: 'after', ...delay });
    clock.advance(2000);
    await replaceRow(table, (row) => id!.startsWith(row.id as string), damage);

    expect((await call('peek', 'q')).messages.map((message) => message.body)).toEqual(
      expect.arrayContaining(['before', 'after']),
    );
    await call('getQueue', 'q');
    await sweep();
    const received = await receive('q', { max: 10 });
    expect(received.map((message) => [message.body, message.receives]).sort()).toEqual([
      ['after', 1],
      ['before', 1],
    ]);

    const place = hasDeadLetter ? 'dead' : 'q';
    const there = await shown(place, id!);
    expect(there).toMatchObject({ state: 'dead', attributes: {}, deadLetter: { queue: 'q', reason: 'unreadable', receives: 0 } });
    expect(there).not.toHaveProperty('body');
    expect(typeof there.unreadable).toBe('string');
    expect(events).toContainEqual(expect.objectContaining({ kind: 'anomaly', what: 'a message can not be read', queue: 'q' }));
    expect(await ack('q', received)).toEqual([{ ok: true }, { ok: true }]);
    expect((await call('getQueue', place)).counts).toMatchObject({ dead: 1, ready: 0, delayed: 0 });

    clock.advance(3_600_000);
    await sweep();
    expect(await receive(place, { max: 10 })).toEqual([]);
    expect(await shown(place, id!)).toEqual(there);
    await engine.call('cancelMessage', { queue: place, id: id! }, {});
    expect((await call('peek', place)).messages).toEqual([]);
  });

  it('a message whose offloaded chunks are gone or encoded twice is set aside, and the others are delivered', async () => {
    const { create, publish, send, bodies } = driven();
    await create('dead');
    await create('q', { deadLetter: { queue: 'dead', maxReceives: 3 } });
    const isPiece = (row: Row) => (row.shard as string).startsWith('body:');
    const [gone] = await publish('q', { body: large });
    await replaceRow('messages', isPiece, () => undefined);
    const [encoded] = await publish('q', { body: large });
    await replaceRow('messages', isPiece, (row) => ({ ...row, bytes: twice(row.bytes as Uint8Array) }));
    await send('q', 'good');
    expect(await bodies('q')).toEqual(['good']);
    expect(await shown('dead', gone!)).toMatchObject({ unreadable: '', deadLetter: { reason: 'unreadable' } });
    expect((await shown('dead', encoded!)).unreadable).toMatch(/^[A-Za-z0-9+/=]+$/);
    expect(await bodies('q')).toEqual([]);
  });

  it('an unreadable message takes no other message of its parcel with it', async () => {
    const { create, send, receive } = driven();
    await create('q');
    const ids = await send('q', 'one', 'two', 'three');
    await replaceRow(
      'messages',
      (row) => row.count === 3,
      (row) => ({ ...row, bodies: '[["one"],["two","x"],["three"]]' }),
    );
    const received = await receive('q', { max: 10 });
    expect(received.map(({ body, receives }) => [body, receives])).toEqual([
      ['one', 1],
      ['three', 1],
    ]);
    expect(await shown('q', ids[1]!)).toMatchObject({ state: 'dead', unreadable: '["two","x"]', deadLetter: { queue: 'q' } });
  });

  it('an unreadable message blocks neither its group nor its key', async () => {
    const { create, publish, bodies, engine } = driven();
    await create('q', { deduplication: { windowSeconds: null, onDuplicate: 'ignore' } });
    await publish('q', { body: 'first', group: 'g' });
    await publish('q', { body: 'second', group: 'g' });
    const [keyed] = await publish('q', { body: 'keyed', dedupKey: 'k' });
    await replaceRow(
      'messages',
      (row) => row.bodies === '[["first"]]',
      (row) => ({ ...row, bodies: '[[first]]' }),
    );
    await replaceRow(
      'leases',
      (row) => row.bodies === '[["keyed"]]',
      (row) => ({ ...row, bodies: '[[keyed]]' }),
    );
    expect(await bodies('q')).toEqual(['second']);
    expect(await shown('q', keyed!)).toMatchObject({ unreadable: '[[keyed]]', state: 'dead' });
    expect(await publish('q', { body: 'the next', dedupKey: 'k' })).toEqual([keyed]);
    await engine.call('cancelMessage', { queue: 'q', id: keyed! }, {});
    await publish('q', { body: 'the next', dedupKey: 'k' });
    expect(await bodies('q')).toEqual(['the next']);
  });

  it('an unreadable message that was mended in place is delivered after a redrive', async () => {
    const { create, publish, receive, bodies, redrive } = driven();
    await create('dead');
    await create('q', { deadLetter: { queue: 'dead', maxReceives: 3 } });
    await publish('q', { body: 'mended' });
    await replaceRow(
      'messages',
      () => true,
      (row) => ({ ...row, bodies: '[[mended]]' }),
    );
    expect(await receive('q')).toEqual([]);
    await replaceRow(
      'leases',
      (row) => row.bodies === '[[mended]]',
      (row) => ({ ...row, bodies: '[["mended"]]' }),
    );
    expect(await redrive('dead', { reason: 'unreadable' })).toMatchObject({ moved: 1 });
    expect(await bodies('q')).toEqual(['mended']);
  });
});
