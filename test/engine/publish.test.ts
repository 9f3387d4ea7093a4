/** What publish stores, carries, refuses and delays. */
import { expect, it } from 'vitest';
import type { Json, PublishEntry } from '../../contract/contract.ts';
import { batchEntriesMax, bodyBytesMax, delaySecondsMax, parcelSlotsMax, readToWriteMsMax } from '../../contract/limits.ts';
import { minuteMs } from '../support/durations.ts';
import { noise } from '../support/noise.ts';
import { onEveryStore } from '../support/on-both-stores.ts';

onEveryStore('publish', (driven) => {
  it('publish answers a different id for each message', async () => {
    await driven().create('q');
    const ids = await driven().publish('q', ...Array.from({ length: batchEntriesMax }, (_, body) => ({ body })));
    expect(new Set(ids).size).toBe(batchEntriesMax);
  });

  it('publish stores the messages of one call in rows of ten', async () => {
    await driven().create('q');
    const bodies = Array.from({ length: 2 * parcelSlotsMax + 3 }, (_, body) => body);
    await driven().send('q', ...bodies);
    const counts = (await driven().rows('messages')).map(({ count }) => count);
    expect(counts.sort()).toEqual([parcelSlotsMax, parcelSlotsMax, 3].sort());
    expect(await driven().bodies('q')).toEqual(bodies);
  });

  it('publish keeps the order within a call and from one call to the next', async () => {
    await driven().create('q');
    const bodies = Array.from({ length: 35 }, (_, body) => body);
    for (let at = 0; at < bodies.length; at += 12) await driven().send('q', ...bodies.slice(at, at + 12));
    expect(await driven().bodies('q')).toEqual(bodies);
  });

  it('publish carries every kind of JSON value, and attributes, unchanged', async () => {
    const { create, send, receive, publish } = driven();
    await create('q');
    const bodies: Json[] = [
      null,
      true,
      0,
      -1.5e-300,
      '',
      '"\\\u0000\u{1F600}é',
      [],
      {},
      [[1, null]],
      JSON.parse('{"__proto__":1}'),
    ];
    await send('q', ...bodies);
    const messages = await receive('q');
    expect(messages.map(({ body }) => JSON.stringify(body))).toEqual(bodies.map((body) => JSON.stringify(body)));
    expect(messages.every((message) => !('bodyBase64' in message) && Object.keys(message.attributes).length === 0)).toBe(true);
    const attributes = { text: 'é', number: -0.5, empty: '', constructor: 'x' };
    await publish('q', { body: 1, attributes }, { body: 2 });
    expect((await receive('q')).map((message) => message.attributes)).toEqual([attributes, {}]);
  });

  it('publish carries bytes unchanged', async () => {
    const { create, publish, receive } = driven();
    await create('q');
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('base64');
    await publish('q', { bodyBase64: all }, { bodyBase64: '' });
    const messages = await receive('q');
    expect(messages.map(({ bodyBase64 }) => bodyBase64)).toEqual([all, '']);
    expect(messages.some((message) => 'body' in message)).toBe(false);
  });

  it.each([
    ['in the row', 'x'.repeat(300)],
    ['in the row, deflated', 'x'.repeat(5000)],
    ['offloaded', noise(3000)],
    ['offloaded in several chunks', noise(bodyBytesMax - 2)],
  ])('publish carries a body %s', async (place, body) => {
    const { create, send, bodies, rows } = driven();
    await create('q');
    await send('q', body);
    const chunks = (await rows('messages')).filter(({ shard }) => String(shard).startsWith('body:'));
    expect(chunks.length > 0).toBe(place.startsWith('offloaded'));
    expect(chunks.length > 1).toBe(place.endsWith('chunks'));
    expect(await bodies('q')).toEqual([body]);
  });

  it('publish carries 1 MiB of bytes', async () => {
    const { create, publish, receive } = driven();
    await create('q');
    const bodyBase64 = Buffer.alloc(bodyBytesMax, noise(bodyBytesMax)).toString('base64');
    await publish('q', { bodyBase64 });
    expect((await receive('q')).map((message) => message.bodyBase64 === bodyBase64)).toEqual([true]);
  });

  it('publish refuses bad entries by name and publishes their neighbours', async () => {
    const { create, call, bodies } = driven();
    await create('q');
    const bad = { body: 'x'.repeat(bodyBytesMax) };
    const entries = [
      { body: 'good' },
      bad,
      { nobody: 1 },
      null,
      { body: 1, id: 'a b' },
      { body: 2, delaySeconds: -1 },
      { body: 'too' },
    ];
    const { results } = await call('publish', 'q', { messages: entries as PublishEntry[] });
    expect(results.map(({ ok }) => ok)).toEqual([true, false, false, false, false, false, true]);
    for (const [index, result] of results.entries()) {
      if (!result.ok)
        expect(result).toMatchObject({ code: 'invalid_input', message: expect.stringContaining(`messages[${index}]`) });
    }
    expect(await bodies('q')).toEqual(['good', 'too']);
  });

  it('publish with a delay hides a message until its time, to the millisecond', async () => {
    const { create, publish, bodies, clock } = driven();
    await create('q');
    await publish('q', { body: 'later', delaySeconds: 5 }, { body: 'now' }, { body: 'later too', delaySeconds: 5 });
    expect(await bodies('q')).toEqual(['now']);
    clock.advance(4_999);
    expect(await bodies('q')).toEqual([]);
    clock.advance(1);
    expect(await bodies('q')).toEqual(['later', 'later too']);
  });

  it('publish uses the delay of the queue unless the message has its own', async () => {
    const { create, publish, bodies, clock } = driven();
    await create('q', { delaySeconds: 60 });
    await publish('q', { body: 'queue' }, { body: 'none', delaySeconds: 0 });
    expect(await bodies('q', { visibilityTimeoutSeconds: 3600 })).toEqual(['none']);
    clock.advance(minuteMs);
    expect(await bodies('q')).toEqual(['queue']);
  });

  it('publish delays by up to a year', async () => {
    const { create, publish, bodies, clock } = driven();
    await create('q');
    await publish('q', { body: noise(3000), delaySeconds: delaySecondsMax });
    clock.advance(delaySecondsMax * 1000 - 1);
    expect(await bodies('q')).toEqual([]);
    clock.advance(1);
    expect((await bodies('q')).length).toBe(1);
  });

  it.each([
    ['waiting', { body: 1 }],
    ['delayed', { body: 1, delaySeconds: 1 }],
  ])('publish decides again when it was too slow for what it had read: %s', async (_, entry) => {
    const { create, publish, receive, spy, clock } = driven();
    await create('q');
    let stalls = 1;
    spy.before = ({ method }) => {
      if (method === 'get' || method === 'range' || stalls === 0) return;
      stalls--;
      clock.advance(readToWriteMsMax + 1);
    };
    await publish('q', entry);
    expect(stalls).toBe(0);
    const publishedUntil = clock.now();
    clock.advance(2000);
    const [message] = await receive('q');
    // The write is based on settings that were read again.
    expect(publishedUntil - Date.parse(message!.publishedAt)).toBeLessThan(readToWriteMsMax);
  });
});
