/** What a seed file declares, and what it does to a server that has some of it. */
import { readFileSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { anyHost } from '../../../contract/host-rule.ts';
import { createMemoryStore } from '../../../engine/memory/store.ts';
import { seededRandom } from '../../../engine/port/random.ts';
import { assembleQueue } from '../../../functions/assembly.ts';
import { applySeed } from '../../../functions/service/apply-seed.ts';
import { parseSeed } from '../../../functions/service/seed.ts';
import { createDrivenClock } from '../../support/driven-clock.ts';
import { loggedDefects } from '../../support/local-queue.ts';
import { spyOnStore } from '../../support/store-spy.ts';

const text = 'dw_0123456789ab_0123456789abcdefghjkmnpqrstvwxyz';
const file = `
queues:
  orders:
    visibilityTimeoutSeconds: 60
    deadLetter: { queue: orders-dead, maxReceives: 5 }
  orders-dead:
targets:
  orders:
    to-shop: { url: 'http://127.0.0.1:3000/hooks', paused: true }
topics:
  order-events:
    subscriptions:
      orders: { queue: orders, filter: { kind: [created] } }
      audit: { settings: { retentionSeconds: 3600 } }
schedules:
  nightly: { queue: orders, cron: '0 3 * * *', message: { body: { go: true } } }
keys:
  checkout: { scopes: [publish], queues: ['orders*'], keyFrom: CHECKOUT_KEY }
`;
const variables = { CHECKOUT_KEY: text };

function served() {
  const clock = createDrivenClock(Date.parse('2026-01-31T12:00:00.000Z'));
  const spy = spyOnStore(createMemoryStore({ now: clock.now }));
  const { log, defects } = loggedDefects();
  onTestFinished(() => expect(defects).toEqual([]));
  const invoke = () => Promise.reject(new Error('nothing is invoked'));
  const { engine, keys, targets } = assembleQueue({
    parts: { store: spy.store, clock, random: seededRandom(1) },
    log,
    hosts: anyHost,
    invoke,
  });
  const written: string[] = [];
  spy.before = ({ method, keys: touched }) => {
    if (method !== 'get' && method !== 'range') for (const key of touched) written.push(JSON.stringify(key));
  };
  const seed = (declared: string) => applySeed(parseSeed(parse(declared), variables), { engine, keys, targets });
  return { engine, keys, targets, clock, seed, written };
}

it('a seed creates what it declares, and the same seed again writes nothing', async () => {
  const { engine, keys, targets, clock, seed, written } = served();
  await seed(file);
  expect(await engine.call('getQueue', { queue: 'orders' }, {})).toMatchObject({
    visibilityTimeoutSeconds: 60,
    deadLetter: { queue: 'orders-dead', maxReceives: 5 },
  });
  const { subscriptions } = await engine.call('listSubscriptions', { topic: 'order-events' }, {});
  expect(subscriptions.map(({ name, queue }) => [name, queue])).toEqual([
    ['audit', 'order-events~audit'],
    ['orders', 'orders'],
  ]);
  expect(await engine.call('getSchedule', { name: 'nightly' }, {})).toMatchObject({ cron: '0 3 * * *' });
  expect(await targets.get('orders', 'to-shop')).toMatchObject({ url: 'http://127.0.0.1:3000/hooks', state: 'paused' });
  const listed = await keys.list({});
  expect(listed.keys).toMatchObject([{ name: 'checkout', scopes: ['publish'], queues: ['orders*'], topics: [] }]);
  expect(JSON.stringify(listed)).not.toContain(text);
  expect(written.length).toBeGreaterThan(5);
  written.length = 0;
  clock.advance(60_000);
  await seed(file);
  expect(written).toEqual([]);
});

it('the seed of the guide is one', async () => {
  const guide = readFileSync(new URL('../../../docs/guide.md', import.meta.url), 'utf8');
  const [, shown = ''] = /```yaml\n(queues:[\s\S]*?)```/.exec(guide)!;
  const { seed, engine } = served();
  await seed(shown);
  expect(await engine.call('getQueue', { queue: 'order-events~audit' }, {})).toMatchObject({ retentionSeconds: 86_400 });
});

it('a changed seed changes what differs, and deletes nothing', async () => {
  const { engine, keys, seed } = served();
  await seed(file);
  await engine.call('updateQueue', { queue: 'orders' }, { delaySeconds: 3 });
  await engine.call('updateSchedule', { name: 'nightly' }, { paused: true });
  await seed(`
    queues: { orders: { visibilityTimeoutSeconds: 90 } }
    topics: { order-events: { subscriptions: { orders: { queue: orders }, audit: { settings: { retentionSeconds: 60 } } } } }
    schedules: { nightly: { queue: orders, cron: '0 4 * * *', message: { body: 1 } } }
    keys: { checkout: { scopes: [publish, read], queues: [orders], key: ${text} } }`);
  // What the file does not say stays as it is.
  const changed = await engine.call('getQueue', { queue: 'orders' }, {});
  expect(changed).toMatchObject({ visibilityTimeoutSeconds: 90, delaySeconds: 3, deadLetter: { queue: 'orders-dead' } });
  const { subscriptions } = await engine.call('listSubscriptions', { topic: 'order-events' }, {});
  expect(subscriptions.map(({ name, filter }) => [name, filter])).toEqual([
    ['audit', null],
    ['orders', null],
  ]);
  expect(await engine.call('getQueue', { queue: 'order-events~audit' }, {})).toMatchObject({ retentionSeconds: 60 });
  expect(await engine.call('getSchedule', { name: 'nightly' }, {})).toMatchObject({ cron: '0 4 * * *', paused: true });
  expect((await keys.list({})).keys).toMatchObject([{ scopes: ['publish', 'read'], queues: ['orders'] }]);
});

it.each([
  ['queue: {}', 'queue: unknown field; the nearest is queues'],
  ['queues: [orders]', 'queues: must be an object'],
  ['queues: { orders: { visibilityTimeout: 5 } }', 'queues.orders.visibilityTimeout: unknown field'],
  ['queues: { orders: { deadLetter: { queue: dead, maxReceives: 0 } } }', 'queues.orders.deadLetter.maxReceives: must be'],
  ['queues: { "a b": }', 'queues.a b.queue: must be'],
  ['topics: { news: { subscriptions: { all: { queue: 7 } } } }', 'topics.news.subscriptions.all.queue: must be'],
  ['topics: { news: 7 }', 'topics.news: must be an object'],
  ['targets: { orders: { to-shop: { url: 7 } } }', 'targets.orders.to-shop.url: must be'],
  ['targets: { orders: { "a b": { url: "http://127.0.0.1" } } }', 'targets.orders: a b.target: must be'],
  ['targets: { orders: 7 }', 'targets.orders: must be an object'],
  ['schedules: { tick: { queue: orders } }', 'schedules.tick'],
  ['keys: { ci: { scopes: [root], queues: [a], keyFrom: CHECKOUT_KEY } }', 'keys.ci.scopes[0]: must be one of'],
  ['keys: { ci: { scopes: [publish], queues: [a] } }', 'keys.ci: give either key'],
  ['keys: { ci: { scopes: [publish], queues: [a], keyFrom: NONE } }', 'keys.ci.keyFrom: the variable NONE is not set'],
  [
    'keys: { a: { scopes: [publish], queues: [a], keyFrom: CHECKOUT_KEY }, b: { scopes: [admin], queues: [a], keyFrom: CHECKOUT_KEY } }',
    'keys.b: has the text of keys.a',
  ],
])('the seed %s is refused with the path of its field', (declared, message) => {
  expect(() => parseSeed(parse(declared), variables)).toThrow(message);
});

it('the error about a key that has no form of a key offers a new one, and does not repeat what was given', () => {
  const declare = () => parseSeed({ keys: { ci: { scopes: ['publish'], queues: ['a'], key: 'my secret' } } }, {});
  expect(declare).toThrow(/keys\.ci\.key: that is no text of a key\. A new one is dw_[0-9a-z]{12}_[0-9a-z]{32}$/);
});
