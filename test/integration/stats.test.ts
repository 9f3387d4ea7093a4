/** Statistics of queues and topics, as servers and functions keep them. */
import { readFileSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import type { OutputOf } from '../../contract/contract.ts';
import { anyHost } from '../../contract/host-rule.ts';
import { createMemoryStore } from '../../engine/memory/store.ts';
import { type Store, StoreError } from '../../engine/port/port.ts';
import { seededRandom } from '../../engine/port/random.ts';
import { assembleQueue } from '../../functions/assembly.ts';
import { createService } from '../../functions/service/service.ts';
import { createDrivenClock, type DrivenClock } from '../support/driven-clock.ts';
import { loggedDefects, startLocalQueue } from '../support/local-queue.ts';
import { spyOnStore } from '../support/store-spy.ts';

const minuteMs = 60_000;
const stepMs = 10 * minuteMs;
const start = Date.parse('2026-01-31T12:00:00.000Z');

/** The parts of the dashboard for Grafana that ask for metrics. */
interface Grafana {
  panels: { targets: { expr: string }[] }[];
  templating: { list: { type: string; query: string }[] };
}
const queriesOf = ({ templating }: Grafana) => templating.list.flatMap(({ type, query }) => (type === 'query' ? [query] : []));

/** A process that serves the queues of the store. */
function served(clock: DrivenClock = createDrivenClock(start), store: Store = createMemoryStore({ now: clock.now })) {
  const { log, defects } = loggedDefects();
  onTestFinished(() => expect(defects).toEqual([]));
  const queue = assembleQueue({
    parts: { store, clock, random: seededRandom(1) },
    log,
    hosts: anyHost,
    invoke: () => Promise.reject(new Error('nothing is invoked')),
  });
  const points = async (name = 'q', input = {}) => (await queue.stats.ofQueue(name, input)).points;
  return { ...queue, clock, store, points };
}
const q = { queue: 'q' };
const bodies = (count: number) => ({ messages: Array.from({ length: count }, (_, body) => ({ body })) });

it('statistics count what passes each step of a queue, and how long it took', async () => {
  const { engine, clock, stats, points } = served();
  await engine.call('createQueue', { queue: 'dead' }, {});
  await engine.call('createQueue', q, { deadLetter: { queue: 'dead', maxReceives: 1 } });
  await engine.call('publish', q, bodies(3));
  await engine.call('publish', q, { messages: [{ id: 'once', body: 1 }] });
  await engine.call('publish', q, { messages: [{ id: 'once', body: 1 }] });
  clock.advance(2_000);
  const { messages } = await engine.call('receive', q, { max: 4 });
  expect(messages).toHaveLength(4);
  clock.advance(200);
  const receipts = messages.map(({ receipt }) => receipt);
  await engine.call('ack', q, { receipts: receipts.slice(0, 3) });
  await engine.call('release', q, { receipts: receipts.slice(3), failed: 'no' });
  await engine.call('receive', q, {});
  expect(await points()).toEqual([]);
  await stats.flush(true);
  expect(await points()).toEqual([
    {
      at: new Date(start).toISOString(),
      published: 4,
      received: 4,
      acked: 3,
      failed: 1,
      expired: 0,
      deadLettered: 1,
      emptyReceives: 1,
      waiting: null,
      oldestAgeSeconds: null,
      waitingSeconds: { p50: 3, p95: 3, p99: 3 },
      handlingSeconds: { p50: 0.3, p95: 0.3, p99: 0.3 },
    },
  ]);
});

it('the counts of several processes add up, whatever order they report in', async () => {
  const clock = createDrivenClock(start);
  const store = createMemoryStore({ now: clock.now });
  const processes = Array.from({ length: 5 }, () => served(clock, store));
  await processes[0]!.engine.call('createQueue', q, {});
  for (const { engine } of processes) await engine.call('publish', q, bodies(2));
  await Promise.all(processes.map(({ stats }) => stats.flush(true)));
  await processes[1]!.engine.call('publish', q, bodies(1));
  await processes[1]!.stats.flush(true);
  expect((await processes[4]!.points()).map(({ published }) => published)).toEqual([11]);
});

it('a process reports once a minute, one row for each queue in which something happened', async () => {
  const clock = createDrivenClock(start);
  const spy = spyOnStore(createMemoryStore({ now: clock.now }));
  const written: string[] = [];
  spy.before = ({ method, keys }) => {
    for (const key of keys) if (method === 'write' && key.table === 'queues' && key.kind === 'stats') written.push(key.name);
  };
  const { engine, stats } = served(clock, spy.store);
  for (const queue of ['q', 'r', 'idle']) await engine.call('createQueue', { queue }, {});
  for (let second = 0; second < 150; second++) {
    clock.advance(1_000);
    for (const queue of ['q', 'r']) await engine.call('publish', { queue }, bodies(1));
    await stats.flush();
  }
  expect(written.map((name) => name.split('/')[0]).sort()).toEqual(['q', 'q', 'r', 'r']);
});

it('a store that fails while statistics are stored fails no call, and loses only these counts', async () => {
  const clock = createDrivenClock(start);
  const spy = spyOnStore(createMemoryStore({ now: clock.now }));
  const { engine, stats, points } = served(clock, spy.store);
  await engine.call('createQueue', q, {});
  await engine.call('publish', q, bodies(1));
  spy.before = ({ keys }) => {
    if (keys.some((key) => key.table === 'queues' && key.kind === 'stats')) throw new StoreError('no', 'no');
  };
  await stats.flush(true);
  spy.before = () => undefined;
  await engine.call('publish', q, bodies(2));
  await stats.flush(true);
  expect((await points()).map(({ published }) => published)).toEqual([2]);
});

it('points are of the asked time and step, and join the rows of their step', async () => {
  const { engine, clock, stats, points } = served();
  await engine.call('createQueue', q, {});
  for (let step = 0; step < 6; step++) {
    await engine.call('publish', q, bodies(step + 1));
    await stats.flush(true);
    clock.advance(stepMs);
  }
  const at = (step: number) => new Date(start + step * stepMs).toISOString();
  const shown = (found: Awaited<ReturnType<typeof points>>) => found.map((point) => [point.at, point.published]);
  expect(shown(await points())).toEqual([1, 2, 3, 4, 5, 6].map((count, step) => [at(step), count]));
  expect(shown(await points('q', { stepSeconds: 1_800 }))).toEqual([
    [at(0), 6],
    [at(3), 15],
  ]);
  expect(shown(await points('q', { from: at(2), until: at(3) }))).toEqual([
    [at(2), 3],
    [at(3), 4],
  ]);
});

it('a queue that was deleted and created again does not show what happened before', async () => {
  const { engine, clock, stats, points } = served();
  await engine.call('createQueue', q, {});
  await engine.call('publish', q, bodies(1));
  await stats.flush(true);
  await engine.call('deleteQueue', q, {});
  clock.advance(stepMs);
  await engine.call('createQueue', q, {});
  expect(await points()).toEqual([]);
  await expect(points('missing')).rejects.toMatchObject({ code: 'queue_not_found' });
});

it('a sweep notes how many messages wait, and for how long, once for each ten minutes unless it changes', async () => {
  const { engine, clock, stats, points } = served();
  await engine.call('createQueue', q, {});
  await engine.call('publish', q, bodies(2));
  clock.advance(5_000);
  await stats.swept(await engine.sweep({ until: Number.POSITIVE_INFINITY }));
  expect(await points()).toMatchObject([{ waiting: 2, oldestAgeSeconds: 5 }]);
  const { messages } = await engine.call('receive', q, { max: 10 });
  await engine.call('ack', q, { receipts: messages.map(({ receipt }) => receipt) });
  await stats.swept(await engine.sweep({ until: Number.POSITIVE_INFINITY }));
  expect(await points()).toMatchObject([{ waiting: 0 }]);
});

it('a list of queues shows the last hour of each queue that the key covers, if asked', async () => {
  const { engine, clock, stats, keys, secrets, targets, audit, status, queueRows } = served();
  const service = createService({ engine, keys, secrets, targets, stats, audit, status, queueRows });
  for (const queue of ['other', 'q', 'q-idle']) await engine.call('createQueue', { queue }, {});
  for (const count of [1, 2, 4]) {
    await engine.call('publish', q, bodies(count));
    await stats.flush(true);
    clock.advance(40 * minuteMs);
  }
  const principal = { id: 'k', scopes: ['receive'] as const, queues: ['q*'], topics: [] };
  const list = async (input: object) =>
    ((await service.call('listQueues', {}, input, { principal })) as OutputOf<'listQueues'>).queues;
  expect(await list({})).toMatchObject([{ name: 'q' }, { name: 'q-idle' }]);
  expect((await list({})).map(({ lastHour }) => lastHour)).toEqual([undefined, undefined]);
  const listed = (await list({ lastHour: true, counts: true })).map(({ counts, lastHour }) => [
    counts?.ready,
    lastHour?.map(({ published }) => published),
  ]);
  expect(listed).toEqual([
    [7, [4]],
    [0, []],
  ]);
});

it('statistics of a topic count what was published, what subscriptions got, and what is on its way', async () => {
  const { engine, clock, stats } = served();
  const points = async () => (await stats.ofTopic('t', {})).points;
  await engine.call('createTopic', { topic: 't' }, {});
  await engine.call('subscribe', { topic: 't', subscription: 'all' }, {});
  await engine.call('subscribe', { topic: 't', subscription: 'paid' }, { subject: 'paid' });
  await engine.call('publishToTopic', { topic: 't' }, { messages: [{ body: 1 }, { body: 2, subject: 'paid' }] });
  await engine.call('unsubscribe', { topic: 't', subscription: 'all' }, {});
  clock.advance(minuteMs);
  await engine.call('publishToTopic', { topic: 't' }, bodies(3));
  await stats.flush(true);
  const at = new Date(start).toISOString();
  const counted = { at, published: 5, delivered: 3, filtered: 4, unmatched: 3 };
  expect(await points()).toEqual([{ ...counted, undelivered: null, oldestAgeSeconds: null }]);
  await stats.swept({ queues: [], topics: [{ name: 't', undelivered: 2, oldestAgeSeconds: 59.7 }] });
  expect(await points()).toEqual([{ ...counted, undelivered: 2, oldestAgeSeconds: 60 }]);
  await stats.swept({ queues: [], topics: [] });
  expect(await points()).toEqual([{ ...counted, undelivered: 0, oldestAgeSeconds: 0 }]);
  await expect(stats.ofTopic('missing', {})).rejects.toMatchObject({ code: 'topic_not_found' });
});

it('statistics of a topic and of a queue of its name are apart, and a topic that was created again shows only its own', async () => {
  const { engine, clock, stats, points } = served();
  await engine.call('createQueue', q, {});
  await engine.call('createTopic', { topic: 'q' }, {});
  await engine.call('publishToTopic', { topic: 'q' }, bodies(2));
  await stats.flush(true);
  expect(await points()).toEqual([]);
  expect((await stats.ofTopic('q', {})).points).toMatchObject([{ published: 2 }]);
  await engine.call('deleteTopic', { topic: 'q' }, {});
  clock.advance(stepMs);
  await engine.call('createTopic', { topic: 'q' }, {});
  expect((await stats.ofTopic('q', {})).points).toEqual([]);
});

it('a server answers statistics over HTTP, refuses a step that is no multiple of ten minutes, and keeps counts when it stops', async () => {
  const { server, http, defects } = await startLocalQueue();
  await http.call('createQueue', q);
  expect(await http.call('queueStats', q)).toEqual({ points: [] });
  const refused = await http.send('GET', '/v1/queues/q/stats?stepSeconds=700');
  expect([refused.status, ((await refused.json()) as { detail: string }).detail]).toEqual([
    400,
    expect.stringContaining('stepSeconds: must be a multiple of 600'),
  ]);
  expect((await http.send('GET', '/v1/queues/none/stats')).status).toBe(404);
  expect(await http.call('listQueues', {}, { lastHour: true })).toMatchObject({ queues: [{ name: 'q', lastHour: [] }] });
  await http.call('createTopic', { topic: 't' });
  expect(await http.call('topicStats', { topic: 't' })).toEqual({ points: [] });
  expect((await http.send('GET', '/v1/topics/none/stats')).status).toBe(404);
  expect((await http.call('listTopics', {}, {})).topics[0]).not.toHaveProperty('lastHour');
  expect(await http.call('listTopics', {}, { lastHour: true })).toMatchObject({ topics: [{ name: 't', lastHour: [] }] });
  await http.call('publish', q, bodies(1));
  await server.close();
  expect(defects).toEqual([]);
});

it('a server shows its metrics in the format of Prometheus to a key for all queues, and the dashboard for Grafana asks only for these', async () => {
  const { server, http, defects } = await startLocalQueue();
  onTestFinished(() => server.close());
  await http.call('createQueue', q);
  await http.call('publish', q, bodies(3));
  const { messages } = await http.call('receive', q);
  await http.call('ack', q, { receipts: messages.map(({ receipt }) => receipt) });
  await http.call('receive', { queue: 'q' }, { max: 1 });
  await http.call('createQueue', { queue: 'empty' });
  await http.call('receive', { queue: 'empty' });
  await http.call('createTopic', { topic: 'news' });
  await http.call('publishToTopic', { topic: 'news' }, bodies(2));
  const response = await http.send('GET', '/metrics');
  expect(response.headers.get('content-type')).toContain('text/plain');
  const lines = (await response.text()).split('\n');
  for (const line of [
    'dumbwaiter_messages_total{queue="q",step="published"} 3',
    'dumbwaiter_messages_total{queue="q",step="received"} 2',
    'dumbwaiter_messages_total{queue="q",step="acked"} 1',
    'dumbwaiter_queue_messages{queue="q",state="ready"} 1',
    'dumbwaiter_queue_messages{queue="q",state="leased"} 1',
    'dumbwaiter_handling_seconds_count{queue="q"} 1',
    'dumbwaiter_topic_messages_total{topic="news",step="published"} 2',
    'dumbwaiter_topic_messages_total{topic="news",step="unmatched"} 2',
    'dumbwaiter_call_seconds_count{operation="publish",available="true"} 1',
  ]) {
    expect(lines).toContain(line);
  }
  const shown = JSON.parse(readFileSync(new URL('../../docs/grafana.json', import.meta.url), 'utf8')) as Grafana;
  const asked = [...shown.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)), ...queriesOf(shown)];
  expect(asked.length).toBeGreaterThan(12);
  for (const expression of asked) {
    const names = expression.match(/\b(?:dumbwaiter|process|nodejs)_\w+/g);
    expect(names, expression).not.toBeNull();
    for (const name of names!)
      expect(
        lines.some((line) => [`${name}{`, `${name} `, `# TYPE ${name} `].some((beginning) => line.startsWith(beginning))),
        name,
      ).toBe(true);
  }
  const { key } = await http.call('createKey', {}, { name: 'some', queues: ['q'], scopes: ['admin'] });
  expect((await http.as(key).send('GET', '/metrics')).status).toBe(403);
  expect((await http.as(undefined).send('GET', '/metrics')).status).toBe(401);
  expect(defects).toEqual([]);
});
