/** Results, failures and progress of messages, as getMessage shows them. */
import { expect, it } from 'vitest';
import { errorsKeptMax, resultBytesMax } from '../../contract/limits.ts';
import { daySeconds, instant } from '../support/durations.ts';
import { lost, ok } from '../support/expected.ts';
import { noise } from '../support/noise.ts';
import { onEveryStore } from '../support/on-both-stores.ts';

const keep = { doneSeconds: 7 * daySeconds, deadSeconds: daySeconds };

onEveryStore('results, failures and progress', (driven) => {
  const get = (id: string, queue = 'q') => driven().engine.call('getMessage', { queue, id }, {});
  const ackWith = async (receipts: string[], result: unknown) =>
    (await driven().call('ack', 'q', { receipts, result: result as never })).results;

  it('ack repeated with another result keeps the first one', async () => {
    const { create, send, receive } = driven();
    await create('q', { keep });
    const [one, two] = await send('q', 1, 2);
    const messages = await receive('q');
    const receipts = messages.map(({ receipt }) => receipt);
    expect(await ackWith(receipts.slice(0, 1), 'first')).toEqual([ok]);
    expect(await ackWith(receipts.slice(0, 1), 'second')).toEqual([ok]);
    expect(await ackWith(receipts, noise(2_000))).toEqual([ok, ok]);
    expect((await get(one!)).result).toBe('first');
    expect(await ackWith(receipts, 'third')).toEqual([ok, ok]);
    expect((await get(one!)).result).toBe('first');
    expect((await get(two!)).result).toBe(noise(2_000));
  });

  it.each([
    null,
    false,
    0,
    '',
    [],
    'x'.repeat(500),
    noise(900),
    noise(resultBytesMax - 2),
  ])('getMessage returns the result of an ack unchanged (case %#)', async (result) => {
    const { create, send, receive } = driven();
    await create('q', { keep });
    const [one, two] = await send('q', 1, 2);
    const messages = await receive('q');
    await ackWith([messages[1]!.receipt], result);
    await ackWith([messages[0]!.receipt], result);
    expect((await get(one!)).result).toEqual(result);
    expect((await get(two!)).result).toEqual(result);
  });

  it('a message acked without a result has no result', async () => {
    const { create, send, receive, ack } = driven();
    await create('q', { keep });
    const [id] = await send('q', 1);
    await ack('q', await receive('q'));
    expect(await get(id!)).not.toHaveProperty('result');
  });

  it('ack refuses a result that the queue would not keep, and one that is too large', async () => {
    const { create, send, receive } = driven();
    await create('q');
    await create('none', { keep: { doneSeconds: 0, deadSeconds: 60 } });
    const [id] = await send('q', 1);
    const [message] = await receive('q');
    await expect(ackWith([message!.receipt], 1)).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(driven().call('ack', 'none', { receipts: [message!.receipt], result: 1 })).rejects.toMatchObject({
      code: 'invalid_input',
    });
    expect((await get(id!)).state).toBe('leased');
    await driven().call('updateQueue', 'q', { keep });
    await expect(ackWith([message!.receipt], 'x'.repeat(resultBytesMax - 1))).rejects.toThrow(`at most ${resultBytesMax} bytes`);
  });

  it('an offloaded result is removed when its ack is refused, and otherwise with its row', async () => {
    const { create, send, receive, rows, clock } = driven();
    await create('q', { keep, visibilityTimeoutSeconds: 1 });
    await send('q', 1);
    const [stale] = await receive('q');
    clock.advance(1_000);
    const [message] = await receive('q');
    expect(await ackWith([stale!.receipt], noise(5_000))).toMatchObject([lost]);
    expect(await rows('messages')).toEqual([]);
    expect(await ackWith([message!.receipt], noise(5_000))).toEqual([ok]);
    const [piece] = await rows('messages');
    const [row] = await rows('leases');
    expect(piece!.ttl).toBeGreaterThanOrEqual(row!.ttl as number);
    expect(row!.ttl).toBe(Math.ceil((clock.now() + keep.doneSeconds * 1000) / 1000));
  });

  it('getMessage shows the last failures with their texts and times', async () => {
    const { create, send, receive, call, clock, ack } = driven();
    await create('q', { keep });
    const [id] = await send('q', 1);
    const failures: { at: string; message: string }[] = [];
    for (let round = 0; round < errorsKeptMax + 2; round++) {
      const [message] = await receive('q');
      clock.advance(1_000);
      const { results } = await call('release', 'q', { receipts: [message!.receipt], failed: `failure ${round}` });
      expect(results).toMatchObject([ok]);
      failures.push({ at: instant(clock.now()), message: `failure ${round}` });
    }
    const shown = { failures: failures.length, errors: failures.slice(-errorsKeptMax), lastFailure: failures.at(-1)!.message };
    expect(await get(id!)).toMatchObject({ state: 'ready', ...shown });
    await ack('q', await receive('q'));
    expect(await get(id!)).toMatchObject({ state: 'done', receives: failures.length + 1, ...shown });
  });

  it('getMessage shows only the last failure text in a queue that keeps nothing', async () => {
    const { create, send, receive, call } = driven();
    await create('q');
    const [id] = await send('q', 1);
    for (const failed of ['one', 'two']) await call('release', 'q', { receipts: [(await receive('q'))[0]!.receipt], failed });
    expect(await get(id!)).toMatchObject({ lastFailure: 'two' });
    expect(await get(id!)).not.toHaveProperty('errors');
  });

  it('progress reported with extend is shown until another receive takes the message, and once it is done', async () => {
    const { create, send, receive, call, clock, ack } = driven();
    await create('q', { keep, visibilityTimeoutSeconds: 10 });
    const [id] = await send('q', 1);
    const [message] = await receive('q');
    expect(await get(id!)).not.toHaveProperty('progress');
    const tell = (receipt: string, progress: number) => call('extend', 'q', { receipts: [receipt], progress });
    clock.advance(6_000);
    expect((await tell(message!.receipt, 0.4)).results).toEqual([{ ok: true, leasedUntil: instant(clock.now() + 10_000) }]);
    expect(await get(id!)).toMatchObject({ state: 'leased', progress: 0.4 });
    await call('extend', 'q', { receipts: [message!.receipt] });
    expect((await get(id!)).progress).toBe(0.4);
    await expect(tell(message!.receipt, 1.1)).rejects.toMatchObject({ code: 'invalid_input' });
    clock.advance(10_000);
    expect((await get(id!)).progress).toBe(0.4);
    const [again] = await receive('q');
    expect(await get(id!)).not.toHaveProperty('progress');
    expect((await tell(message!.receipt, 0.5)).results).toMatchObject([lost]);
    await tell(again!.receipt, 1);
    await ack('q', [again!]);
    expect(await get(id!)).toMatchObject({ state: 'done', progress: 1 });
  });
});
