/** What the sweep does with publications that cannot be delivered. */
import { expect, it } from 'vitest';
import { publicationLeaseMs } from '../../contract/limits.ts';
import { subscriptionKey } from '../../engine/model/topic-record.ts';
import { minuteMs } from '../support/durations.ts';
import { noise } from '../support/noise.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';
import { bodiesOf, subscribe, topicProcess } from '../support/topic-bed.ts';

const names = (count: number) => range(count).map((index) => `s${String(index).padStart(3, '0')}`);
const plain = (count: number) => Object.fromEntries(names(count).map((name) => [name, {}]));

onBothStores('a publication that cannot be delivered', (driven) => {
  it('a publication whose messages are gone is reported once and removed', async () => {
    await subscribe(driven(), plain(150));
    await topicProcess(driven(), driven().spy.store, 0).publish({ body: noise(2_000) });
    const publication = () =>
      driven()
        .rows('queues')
        .then((rows) => rows.find(({ kind }) => kind === 'publication'));
    const { beside } = (await publication())!;
    await driven().spy.store.write({
      key: { table: 'messages', shard: `body:${beside}`, id: '0' },
      then: { remove: true },
    });
    const { sweep } = topicProcess(driven());
    for (let runs = 0; runs < 3; runs++) {
      driven().clock.advance(minuteMs);
      await sweep();
    }
    expect(await publication()).toBeUndefined();
    expect(driven().events.filter(({ kind }) => kind === 'anomaly')).toHaveLength(1);
  });

  it('a publication to a damaged subscription keeps no queue from the sweep, and goes on when the damage is mended', async () => {
    await subscribe(driven(), plain(150));
    await driven().create('other', { retentionSeconds: 60 });
    await driven().send('other', 'expires');
    await topicProcess(driven(), driven().spy.store, 0).publish({ body: 1 });
    const key = subscriptionKey('topicinc', 's120');
    const [row] = await driven().spy.store.get([key]);
    await driven().spy.store.write({ key, then: { put: { ...row!, filter: '{"a":[{"unknown":1}]}' } } });
    driven().clock.advance(publicationLeaseMs + 2 * minuteMs);
    await expect(driven().sweep()).rejects.toThrow('has no operator "unknown"');
    const waiting = async () => (await driven().rows('messages')).filter(({ bodies }) => String(bodies).includes('expires'));
    expect(await waiting()).toEqual([]);
    await driven().spy.store.write({ key, then: { put: row! } });
    driven().clock.advance(minuteMs);
    await driven().sweep();
    for (const name of names(150)) expect(await bodiesOf(driven(), name)).toEqual([1]);
  });
});
