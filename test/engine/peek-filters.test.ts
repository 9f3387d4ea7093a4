/** Filters of peek: what each selects, in every state, and what it reads. */
import { expect, it } from 'vitest';
import type { InputOf, Message, MessageFilter, MessageState, PublishEntry } from '../../contract/contract.ts';
import { headRowsMax, peekFilterBytesMax, peekRowsMax } from '../../contract/limits.ts';
import { seededRandom } from '../../engine/port/random.ts';
import type { DrivenEngine } from '../support/driven-engine.ts';
import { noise } from '../support/noise.ts';
import { onBothStores, onEveryStore } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';
import { testSeed } from '../support/seed.ts';

type PeekInput = InputOf<'peek'>;

async function pagesOf(
  { call }: DrivenEngine,
  queue: string,
  input: PeekInput,
): Promise<{ messages: Message[]; examined: number }[]> {
  const pages = [];
  let cursor: string | undefined;
  do {
    const page = await call('peek', queue, { ...input, ...(cursor === undefined ? {} : { cursor }) });
    pages.push(page);
    expect(pages.length, 'pages without end').toBeLessThan(1000);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return pages;
}

async function messagesOf(driven: DrivenEngine, queue: string, input: PeekInput): Promise<Message[]> {
  return (await pagesOf(driven, queue, input)).flatMap(({ messages }) => messages);
}

const minute = 60_000;

/** Creates a dead-letter queue `dead` that also gets messages of its own: each of another kind, a minute after the one before. */
async function publishEveryKind(driven: DrivenEngine): Promise<void> {
  const { create, call, receive, clock } = driven;
  const publish = async (queue: string, ...entries: PublishEntry[]) => {
    await driven.publish(queue, ...entries);
    clock.advance(minute);
  };
  const settings = {
    prepared: { timeoutSeconds: 3600, checkBack: null },
    priority: { levels: 3, order: 'strict' as const },
    deduplication: { windowSeconds: 3600, onDuplicate: 'ignore' as const },
  };
  await create('dead', settings);
  await create('q', { ...settings, deadLetter: { queue: 'dead', maxReceives: 1 } });
  await publish(
    'q',
    { body: 'rejected', attributes: { kind: 'red' } },
    { body: 'rejected too', attributes: { kind: 'blue', size: 1.5 } },
  );
  await publish('q', { body: 'of a group', group: 'g', attributes: { kind: 'red' } });
  await publish('q', { body: 'of a group and a key', group: 'h', dedupKey: 'gk' });
  await publish('q', { body: 'of a key', dedupKey: 'k', priority: 1 });
  for (let held = await receive('q'); held.length > 0; held = await receive('q')) {
    const receipts = held.map(({ receipt }) => receipt);
    await call('release', 'q', { receipts, failed: 'no', deadLetter: true });
    clock.advance(minute);
  }
  await publish('q', { body: 'used up', priority: 2 });
  await call('release', 'q', { receipts: (await receive('q')).map(({ receipt }) => receipt), failed: 'no' });
  // A lease that outlasts the test.
  await publish('dead', { body: 'leased', attributes: { kind: 'red' }, priority: 2 });
  const taken = await receive('dead', { visibilityTimeoutSeconds: 36_000 });
  await call('release', 'dead', { receipts: taken.filter(({ body }) => body !== 'leased').map(({ receipt }) => receipt) });
  await publish('dead', { body: { text: 'ready', quote: '"' }, attributes: { kind: 'red' } }, { body: 'ready too' });
  await publish('dead', { body: 'urgent', priority: 2 });
  await publish('dead', { bodyBase64: 'AAECAwQF', attributes: { kind: 'bytes' } });
  await publish('dead', { body: `large ${noise(3000)} end`, attributes: { kind: 'large' } });
  await publish('dead', { body: 'under an id', id: 'own-1' });
  await publish('dead', { body: 'under an id, delayed', id: 'own-2', delaySeconds: 36_000 });
  await publish('dead', { body: 'under a key', dedupKey: 'k2' });
  await publish('dead', { body: 'first of a group', group: 'g' }, { body: 'under an id in a group', group: 'g', id: 'own-3' });
  await publish('dead', { body: 'under a key in a group', group: 'g', dedupKey: 'k3' });
  await publish(
    'dead',
    { body: 'delayed', delaySeconds: 36_000, attributes: { kind: 'red' } },
    { body: 'delayed too', delaySeconds: 36_000 },
  );
  await publish('dead', { body: 'prepared', prepared: true, attributes: { kind: 'red' } });
}

const textOf = ({ body, bodyBase64 }: Message) => bodyBase64 ?? JSON.stringify(body);
/** When the message arrived in its queue. */
const arrivalOf = ({ publishedAt, deadLetter }: Message) => Date.parse(deadLetter?.at ?? publishedAt);
/** The body of a message by which the tests name it. */
const nameOf = (message: Message) => (typeof message.body === 'string' ? message.body.slice(0, 25) : textOf(message));

/** The names of the messages that each selects. */
const filters: readonly [filter: PeekInput, names: string[]][] = [
  [{ id: 'own-' }, ['under an id', 'under an id in a group', 'under an id, delayed']],
  [{ id: 'own-1' }, ['under an id']],
  [{ id: '@k' }, ['of a key', 'under a key']],
  [{ group: 'g' }, ['first of a group', 'of a group', 'under a key in a group', 'under an id in a group']],
  [{ group: 'g', state: 'dead' }, ['of a group']],
  [{ group: 'none' }, []],
  [{ key: 'k' }, ['of a key']],
  [{ key: 'k2' }, ['under a key']],
  [{ key: 'k3' }, ['under a key in a group']],
  [{ key: 'gk' }, ['of a group and a key']],
  [{ priority: 1 }, ['of a key']],
  [{ priority: 2, state: 'ready' }, ['urgent']],
  [{ reason: 'max_receives' }, ['used up']],
  [{ reason: 'rejected' }, ['of a group', 'of a group and a key', 'of a key', 'rejected', 'rejected too']],
  [{ reason: 'rejected', state: 'ready' }, []],
  [{ attribute: ['kind=red'], state: 'dead' }, ['of a group', 'rejected']],
  [{ attribute: ['kind=red'], state: 'ready' }, ['{"text":"ready","quote":"\\""}']],
  [{ attribute: ['kind=red'], state: 'delayed' }, ['delayed']],
  [{ attribute: ['kind=red'], state: 'leased' }, ['leased']],
  [{ attribute: ['kind=red'], state: 'prepared' }, ['prepared']],
  [{ attribute: ['kind=blue', 'size=1.50'] }, ['rejected too']],
  [{ attribute: ['kind=blue', 'size=2'] }, []],
  [{ attribute: ['constructor='] }, []],
  [{ text: 'y","quote":"\\"' }, ['{"text":"ready","quote":"\\""}']],
  [{ text: 'AQID' }, []],
  [{ text: 'ECAw' }, ['AAECAwQF']],
  [{ text: ' end"' }, [`large ${noise(19)}`]],
  [{ text: 'under', priority: 0, group: 'g', attribute: ['kind=red'] }, []],
];

onBothStores('a filter of peek', (driven) => {
  it('each filter selects the messages that fit it, and no other, alone and with others', async () => {
    await publishEveryKind(driven());
    expect(filters.length).toBeGreaterThan(20);
    for (const [filter, names] of filters) {
      const found = await messagesOf(driven(), 'dead', filter);
      expect(found.map(nameOf).sort(), JSON.stringify(filter)).toEqual(names);
    }
  });

  it('a filter by time selects messages by when they were published here or died, with the first instant and without the last', async () => {
    await publishEveryKind(driven());
    const all = await messagesOf(driven(), 'dead', {});
    const times = [...new Set(all.map(arrivalOf))].sort();
    const instant = (at: number) => new Date(at).toISOString();
    const [from, until] = [instant(times[1]!), instant(times.at(-3)!)];
    const found = await messagesOf(driven(), 'dead', { from, until });
    const expected = all.filter((message) => arrivalOf(message) >= times[1]! && arrivalOf(message) < times.at(-3)!);
    expect(expected.some(({ deadLetter }) => deadLetter)).toBe(true);
    expect(found.map(({ id }) => id).sort()).toEqual(expected.map(({ id }) => id).sort());
    for (const time of times) {
      const later = await messagesOf(driven(), 'dead', { from: instant(time) });
      expect(later.length, instant(time)).toBe(all.filter((message) => arrivalOf(message) >= time).length);
      const earlier = await messagesOf(driven(), 'dead', { until: instant(time + 1) });
      expect(earlier.length, instant(time)).toBe(all.filter((message) => arrivalOf(message) <= time).length);
    }
    expect(await messagesOf(driven(), 'dead', { from: '9999-12-31T00:00:00Z' })).toEqual([]);
    expect((await messagesOf(driven(), 'dead', { until: '9999-12-31T00:00:00Z' })).length).toBe(all.length);
  });

  it('a filter by a whole id that the queue made selects that message alone, wherever it is', async () => {
    await publishEveryKind(driven());
    const made = (await messagesOf(driven(), 'dead', {})).filter(({ id }) => id.includes('~'));
    expect(made.length).toBeGreaterThan(10);
    for (const message of made) {
      const { messages, cursor } = await driven().call('peek', 'dead', { id: message.id, limit: 1 });
      expect([messages, cursor]).toEqual([[message], undefined]);
      const others = (['ready', 'delayed', 'leased', 'dead', 'prepared'] as const).filter((state) => state !== message.state);
      for (const state of others) expect((await driven().call('peek', 'dead', { id: message.id, state })).messages).toEqual([]);
      expect((await driven().call('peek', 'q', { id: message.id })).messages).toEqual([]);
    }
  });

  it('a group of more messages than one range returns is listed whole, in pages of any size', async () => {
    const { create, publish } = driven();
    await create('q');
    const count = headRowsMax + 20;
    for (const body of range(count)) await publish('q', { body, group: 'long', attributes: { odd: body % 2 } });
    await publish('q', { body: 'other', group: 'other' });
    for (const limit of [7, 100]) {
      const bodies = (await messagesOf(driven(), 'q', { limit, group: 'long' })).map(({ body }) => body);
      expect(bodies).toEqual(range(count));
      const odd = (await messagesOf(driven(), 'q', { limit, attribute: ['odd=1'] })).map(({ body }) => body);
      expect(odd).toEqual(range(count).filter((body) => body % 2 === 1));
    }
  });

  it('a page says how many messages were examined, each of them once', async () => {
    const { create, send } = driven();
    await create('q');
    for (const at of range(3)) await send('q', ...range(10).map((index) => `${at}-${index}`));
    const pages = await pagesOf(driven(), 'q', { limit: 4, text: '-5"' });
    expect(pages.flatMap(({ messages }) => messages.map(({ body }) => body))).toEqual(['0-5', '1-5', '2-5']);
    for (const limit of [1, 4, 100]) {
      const examined = (await pagesOf(driven(), 'q', { limit })).map((page) => page.examined);
      expect(
        examined.reduce((sum, one) => sum + one, 0),
        String(limit),
      ).toBe(30);
    }
  });
});

onEveryStore('filters of peek', (driven) => {
  it('pages with any filters hold what a reader of all pages would select', async () => {
    await publishEveryKind(driven());
    const random = seededRandom(testSeed);
    const draw = <T>(values: readonly T[]): T => values[Math.floor(random.number() * values.length)]!;
    const all = await messagesOf(driven(), 'dead', {});
    const drawn: { [Name in keyof MessageFilter | 'state']-?: (like: Message) => unknown } = {
      state: ({ state }) => state as MessageState,
      id: ({ id }) => id.slice(0, 1 + Math.floor(random.number() * id.length)),
      group: ({ group = 'g' }) => group,
      key: () => draw(['k', 'k2', 'k3', 'gk', 'none']),
      priority: ({ priority = 0 }) => priority,
      reason: ({ deadLetter }) => deadLetter?.reason ?? 'rejected',
      attribute: ({ attributes }) => [draw(Object.entries(attributes).map(([name, value]) => `${name}=${value}`)) ?? 'kind=red'],
      from: (like) => new Date(arrivalOf(like) + draw([-1, 0, 1])).toISOString(),
      until: (like) => new Date(arrivalOf(like) + draw([-1, 0, 1])).toISOString(),
      text: (like) => textOf(like).slice(0, 3 + Math.floor(random.number() * 5)),
    };
    const keys: Record<string, string> = {
      'of a key': 'k',
      'under a key': 'k2',
      'under a key in a group': 'k3',
      'of a group and a key': 'gk',
    };
    const fits = (message: Message, { state, id, group, key, priority, reason, attribute, from, until, text }: PeekInput) =>
      (state === undefined || message.state === state) &&
      (id === undefined || message.id.startsWith(id)) &&
      (group === undefined || message.group === group) &&
      (key === undefined || keys[nameOf(message)] === key) &&
      (priority === undefined || (message.priority ?? 0) === priority) &&
      (reason === undefined || message.deadLetter?.reason === reason) &&
      (attribute ?? []).every((pair) =>
        Object.entries(message.attributes).some(([name, value]) => pair === `${name}=${value}`),
      ) &&
      (from === undefined || arrivalOf(message) >= Date.parse(from)) &&
      (until === undefined || arrivalOf(message) < Date.parse(until)) &&
      (text === undefined || textOf(message).includes(text));
    let selected = 0;
    for (const run of range(40)) {
      const like = draw(all);
      const names = range(1 + Math.floor(random.number() * 3)).map(() => draw(Object.keys(drawn) as (keyof typeof drawn)[]));
      const filter: PeekInput = Object.fromEntries(names.map((name) => [name, drawn[name](like)]));
      if (filter.from !== undefined && filter.until !== undefined && filter.from > filter.until) continue;
      const found = await messagesOf(driven(), 'dead', { ...filter, limit: draw([2, 7, 100]) });
      const expected = all.filter((message) => fits(message, filter));
      selected += expected.length;
      const what = `seed ${testSeed}, run ${run}: ${JSON.stringify(filter)}`;
      expect(found.map(({ id }) => id).sort(), what).toEqual(expected.map(({ id }) => id).sort());
    }
    expect(selected).toBeGreaterThan(40);
  });

  it('a cursor of other filters leads on without an error', async () => {
    const { create, send, call, clock } = driven();
    await create('q');
    const times: string[] = [];
    for (const body of range(4)) {
      await send('q', body);
      times.push(new Date(clock.now()).toISOString());
      clock.advance(1000);
    }
    const { cursor } = await call('peek', 'q', { limit: 2 });
    const bodiesOf = async (filter: PeekInput) => (await messagesOf(driven(), 'q', filter)).map(({ body }) => body);
    for (const [filter, bodies] of [
      [{ until: times[1]! }, []],
      [{ from: times[3]! }, [3]],
      [{ group: 'g' }, []],
      [{ id: 'own' }, []],
    ] satisfies [PeekInput, number[]][]) {
      expect((await call('peek', 'q', { ...filter, cursor: cursor! })).messages.map(({ body }) => body)).toEqual(bodies);
    }
    expect(await bodiesOf({ from: times[1]!, until: times[3]!, limit: 1 })).toEqual([1, 2]);
  });

  it('a peek reads as few rows as its filter allows', async () => {
    const { create, send, publish, call, clock, spy } = driven();
    await create('q');
    const start = clock.now();
    const ids: string[] = [];
    for (const body of range(20)) {
      ids.push(...(await send('q', body)));
      clock.advance(1000);
    }
    await publish('q', ...range(20).map((body) => ({ body, id: `own-${body}` })));
    let keysRead = 0;
    spy.before = ({ method, keys }) => {
      if (method === 'get') keysRead += keys.length;
    };
    const costOf = async (filter: PeekInput) => {
      spy.takeCounts();
      spy.takeRowsRead();
      keysRead = 0;
      const { messages } = await call('peek', 'q', filter);
      const { ranges } = spy.takeCounts();
      return { found: messages.length, ranges, rowsRead: spy.takeRowsRead(), keysRead };
    };
    const instant = (second: number) => new Date(start + second * 1000).toISOString();
    expect(await costOf({}), 'all').toEqual({ found: 40, ranges: 2, rowsRead: 40, keysRead: 40 });
    expect(await costOf({ text: '7' }), 'by text').toEqual({ found: 4, ranges: 2, rowsRead: 40, keysRead: 22 });
    const inTime = { from: instant(5), until: instant(8) };
    expect(await costOf(inTime), 'by time').toEqual({ found: 3, ranges: 2, rowsRead: 23, keysRead: 3 });
    expect(await costOf({ id: 'own-1' }), 'by the start of an id').toEqual({ found: 11, ranges: 1, rowsRead: 20, keysRead: 11 });
    expect(await costOf({ id: ids[3]! }), 'by an id').toEqual({ found: 1, ranges: 0, rowsRead: 0, keysRead: 3 });
    expect(await costOf({ group: 'g' }), 'by a group').toEqual({ found: 0, ranges: 1, rowsRead: 20, keysRead: 20 });
  });
});

onBothStores('the bounds of a peek', (driven) => {
  it('one call reads a bounded number of rows and more keys, and its cursor leads on although its page is empty', async () => {
    const { create, publish, call, spy } = driven();
    await create('q');
    for (const start of range(4)) await publish('q', ...range(100).map((index) => ({ body: 0, id: `own-${start}-${index}` })));
    spy.takeRowsRead();
    const first = await call('peek', 'q', { text: 'x' });
    expect([first.messages, first.examined]).toEqual([[], peekRowsMax - 1]);
    expect(spy.takeRowsRead()).toBe(peekRowsMax - 1);
    expect(await call('peek', 'q', { id: 'other' })).toEqual({ messages: [], examined: 0 });
    expect((await messagesOf(driven(), 'q', { text: 'x' })).length).toBe(0);
    expect((await messagesOf(driven(), 'q', { text: '0' })).length).toBe(400);
  });

  it('one call reads a bounded number of bytes of bodies to filter by content, and the next call goes on', async () => {
    const { create, publish } = driven();
    await create('q');
    const large = 'a'.repeat(1_000_000);
    const count = 2 * Math.ceil(peekFilterBytesMax / large.length);
    for (const index of range(count)) await publish('q', { body: `${large}${index}.` });
    const pages = await pagesOf(driven(), 'q', { text: `a${count - 1}.` });
    expect(pages.length).toBeGreaterThanOrEqual(2);
    expect(pages.every(({ examined }) => examined <= count / 2 + 1)).toBe(true);
    expect(pages.flatMap(({ messages }) => messages).length).toBe(1);
  });
});
