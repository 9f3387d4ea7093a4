/** What an ack does to a message, its parcel and its receipt. */
import { expect, it } from 'vitest';
import { tombstoneMs } from '../../contract/limits.ts';
import { lost, ok } from '../support/expected.ts';
import { noise } from '../support/noise.ts';
import { onEveryStore } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';

const invalid = { ok: false, code: 'invalid_receipt' };

onEveryStore('ack', (driven) => {
  it('ack removes messages for good, several at once or some of a parcel', async () => {
    const { create, send, receive, ack, clock } = driven();
    await create('q');
    await send('q', ...range(10));
    const messages = await receive('q');
    expect(await ack('q', messages.slice(0, 4))).toEqual([ok, ok, ok, ok]);
    expect(await ack('q', messages.slice(4, 5))).toEqual([ok]);
    clock.advance(30_000);
    expect((await receive('q')).map(({ body }) => body)).toEqual([5, 6, 7, 8, 9]);
  });

  it('ack of each message of a parcel in parallel ends the parcel', async () => {
    const { create, send, receive, ack, call, rows } = driven();
    await create('q');
    await send('q', ...range(10));
    const messages = await receive('q');
    const results = await Promise.all(messages.map((message) => ack('q', [message])));
    expect(results).toEqual(range(10).map(() => [ok]));
    expect((await call('getQueue', 'q')).counts).toMatchObject({ ready: 0, leased: 0 });
    expect((await rows('leases')).map(({ expiry, ttl }) => [expiry, typeof ttl])).toEqual([[undefined, 'number']]);
  });

  it('ack repeated with the same receipt succeeds until the tombstone expires', async () => {
    const { create, send, receive, ack, clock } = driven();
    await create('q');
    await send('q', 1, 2);
    const messages = await receive('q');
    await ack('q', messages.slice(0, 1));
    expect(await ack('q', messages.slice(0, 1))).toEqual([ok]);
    await ack('q', messages);
    expect(await ack('q', messages)).toEqual([ok, ok]);
    clock.advance(tombstoneMs);
    expect(await ack('q', messages)).toEqual([ok, ok]);
    clock.advance(1);
    expect(await ack('q', messages)).toMatchObject([lost, lost]);
  });

  it('ack answers every receipt of a call, also repeated ones', async () => {
    const { create, send, receive, ack } = driven();
    await create('q');
    await send('q', 1, 2);
    const [one, two] = await receive('q');
    expect(await ack('q', [one!, one!, two!, one!])).toEqual([ok, ok, ok, ok]);
  });

  it('ack with an expired lease succeeds while no other receive has taken the message', async () => {
    const { create, send, receive, ack, clock, sweep } = driven();
    await create('q');
    await send('q', 1);
    const messages = await receive('q');
    clock.advance(3_600_000);
    await sweep();
    expect(await ack('q', messages)).toEqual([ok]);
    expect(await receive('q')).toEqual([]);
  });

  it('ack is told lease_lost after another receive has taken the message, and the new lease stays', async () => {
    const { create, send, receive, ack, clock } = driven();
    await create('q');
    await send('q', 1);
    const first = await receive('q');
    clock.advance(30_000);
    const second = await receive('q');
    expect(await ack('q', first)).toMatchObject([lost]);
    expect(await ack('q', second)).toEqual([ok]);
    expect(await ack('q', first)).toMatchObject([lost]);
  });

  it('ack answers an old and a current receipt of one message separately in one call', async () => {
    const { create, send, receive, ack, clock } = driven();
    await create('q');
    await send('q', 1, 2);
    const [old] = await receive('q', { max: 1 });
    clock.advance(30_000);
    const both = await receive('q');
    const held = both.find(({ id }) => id === old!.id);
    expect(await ack('q', [old!, held!])).toMatchObject([lost, ok]);
    expect(await ack('q', both)).toEqual([ok, ok]);
  });

  it('ack after a release is told lease_lost', async () => {
    const { create, send, receive, ack, call } = driven();
    await create('q');
    await send('q', 1);
    const messages = await receive('q');
    await call('release', 'q', { receipts: [messages[0]!.receipt] });
    expect(await ack('q', messages)).toMatchObject([lost]);
    expect((await receive('q')).length).toBe(1);
  });

  it('ack answers each receipt by itself: a lost one, an invalid one and valid ones', async () => {
    const { create, send, receive, ack, clock } = driven();
    await create('q');
    await send('q', 1, 2);
    const [stale] = await receive('q', { max: 1, visibilityTimeoutSeconds: 1 });
    const [held] = await receive('q', { max: 1 });
    clock.advance(1_000);
    const [taken] = await receive('q', { max: 1 });
    expect(await ack('q', [stale!, { ...held!, receipt: 'x' }, held!, taken!])).toMatchObject([lost, invalid, ok, ok]);
  });

  it.each(['ack', 'release', 'extend'] as const)('%s refuses forged receipts and changes nothing', async (operation) => {
    const { create, send, receive, call, rows } = driven();
    await create('q', { visibilityTimeoutSeconds: 60 });
    await create('other');
    await send('q', 1, 2);
    await send('other', 1, 2);
    const [mine] = await receive('q');
    const [others] = await receive('other');
    const parts = mine!.receipt.split('.');
    const token = parts.at(-1)!;
    const forgedToken = [...parts.slice(0, -1), (token[0] === '0' ? '1' : '0') + token.slice(1)].join('.');
    const elsewhere = [others!.receipt.split('.')[0], ...parts.slice(1, -1), others!.receipt.split('.').at(-1)].join('.');
    const receipts = [
      '',
      'x',
      mine!.receipt.slice(0, -1),
      mine!.receipt.slice(1),
      `${mine!.receipt}0`,
      others!.receipt,
      'x'.repeat(10_000),
      null,
      7,
      {},
      ['x'],
      [...parts.slice(0, 2), '9', '2', token].join('.'),
      [...parts.slice(0, 3), '0', token].join('.'),
      [...parts.slice(0, 3), '11', token].join('.'),
      forgedToken,
      elsewhere,
      [parts[0], 'nothing', '0', '1', token].join('.'),
      [...parts.slice(0, 2), '7', '9', token].join('.'),
    ] as string[];
    const before = await rows('leases');
    const { results } = await call(operation, 'q', { receipts });
    expect(results.map((result) => !result.ok && result.code)).toEqual([
      ...Array.from({ length: 14 }, () => 'invalid_receipt'),
      ...Array.from({ length: 4 }, (_, index) => (index === 1 ? 'invalid_receipt' : 'lease_lost')),
    ]);
    expect(await rows('leases')).toEqual(before);
  });

  it('ack of a receipt with a forged message count ends only the message that the receipt names', async () => {
    const { create, send, receive, ack, clock } = driven();
    await create('q');
    await send('q', 1, 2, 3);
    const messages = await receive('q');
    const parts = messages[0]!.receipt.split('.');
    const withCount = (count: number) => ({ ...messages[0]!, receipt: [...parts.slice(0, 3), count, parts[4]].join('.') });
    await ack('q', [withCount(1)]);
    await ack('q', [withCount(2)]);
    await ack('q', [withCount(9)]);
    clock.advance(30_000);
    expect((await receive('q')).map(({ body }) => body)).toEqual([2, 3]);
  });

  it('ack refuses receipts of a queue that was deleted and created again', async () => {
    const { create, send, receive, ack, call } = driven();
    await create('q');
    await send('q', 1);
    const messages = await receive('q');
    await call('deleteQueue', 'q');
    await expect(ack('q', messages)).rejects.toMatchObject({ code: 'queue_not_found' });
    await create('q');
    expect(await ack('q', messages)).toMatchObject([invalid]);
  });

  it('ack of messages with offloaded bodies in a queue without retention lets the sweep remove the bodies', async () => {
    const { create, send, receive, ack, rows, clock, sweep } = driven();
    await create('q', { retentionSeconds: null });
    await send('q', noise(3000), noise(3001));
    const messages = await receive('q');
    expect(await ack('q', messages.slice(0, 1))).toEqual([ok]);
    expect(await ack('q', messages)).toEqual([ok, ok]);
    expect(await ack('q', messages)).toEqual([ok, ok]);
    expect((await rows('messages')).length).toBeGreaterThan(0);
    clock.advance(20 * 60_000);
    await sweep();
    expect(await rows('messages')).toEqual([]);
    expect((await rows('leases')).map(({ expiry, ttl }) => [expiry, typeof ttl])).toEqual([[undefined, 'number']]);
  });
});
