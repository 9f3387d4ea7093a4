/** Bodies that the rows of several queues name: whatever one queue does with its message, the others have theirs. */
import { expect, it } from 'vitest';
import type { PublishEntry, QueueSettings } from '../../contract/contract.ts';
import { endGraceMs, retentionSecondsDefault, settingsCacheMs } from '../../contract/limits.ts';
import { type Row, StoreError } from '../../engine/port/port.ts';
import { settingsForgottenMs } from '../../engine/queues/shard-scaling.ts';
import { dayMs, daySeconds, secondMs } from '../support/durations.ts';
import { noise } from '../support/noise.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { publishToAll } from '../support/publish-to-all.ts';
import { range } from '../support/range.ts';

const large = noise(300_000);
const forever = { retentionSeconds: null };
/** Long after TTL has removed what was shared. */
const lateMs = 200 * dayMs;

onBothStores('bodies shared by several queues', (driven) => {
  const chunks = async () => (await driven().rows('messages')).filter(({ shard }) => (shard as string).startsWith('body:'));
  const withoutTtl = async () => (await chunks()).filter(({ ttl }) => ttl === undefined).map(({ shard }) => shard);
  /** Short names for the bodies, so that a failure can be read. */
  const named = (body: unknown) => (body === large ? 'large' : body);
  const bodies = async (queue: string, input = {}) => (await driven().bodies(queue, input)).map(named);
  const bodyOf = async (id: string) => named((await driven().engine.call('getMessage', { queue: 'q', id }, {})).body);
  const namesOf = async (): Promise<Set<unknown>> => {
    const rows = [...(await driven().rows('messages')), ...(await driven().rows('leases'))];
    return new Set(rows.map(({ beside }) => beside).filter((name) => name !== undefined));
  };

  /** Removes what TTL would have removed by now. */
  async function actTtl() {
    const { clock, spy, rows } = driven();
    const isOver = ({ ttl }: Row) => ttl !== undefined && (ttl as number) * 1000 < clock.now();
    for (const row of (await rows('messages')).filter(isOver)) {
      const key = { table: 'messages', shard: row.shard as string, id: row.id as string } as const;
      await spy.store.write({ key, then: { remove: true } });
    }
  }

  async function sweeps(count = 4) {
    const { clock, sweep } = driven();
    for (let round = 0; round < count; round++) {
      clock.advance(Math.max(endGraceMs, settingsForgottenMs) + secondMs);
      await sweep();
    }
  }

  /** What is left when all messages have ended. */
  async function residue() {
    await sweeps();
    expect(await withoutTtl()).toEqual([]);
    driven().clock.advance(1_000 * dayMs);
    await actTtl();
    await sweeps();
    return (await chunks()).map(({ shard }) => shard);
  }

  /** Counts the writes of chunks. */
  function countChunkWrites() {
    const counted = { writes: 0 };
    driven().spy.before = ({ method, keys }) => {
      if (!['write', 'writeAll', 'transact'].includes(method)) return;
      counted.writes += keys.filter((key) => key.table === 'messages' && key.shard.startsWith('body:')).length;
    };
    return counted;
  }

  it.each([1, 3])('a body that a hundred queues get, in %s transactions, is written once', async (steps) => {
    const names = range(100).map((index) => `q${index}`);
    for (const name of names) await driven().create(name);
    const counted = countChunkWrites();
    await publishToAll(driven(), names, [{ body: large }], steps);
    const [first] = await chunks();
    expect(await chunks()).toHaveLength(1);
    expect(counted.writes).toBe(1);
    expect(first!.ttl as number).toBeGreaterThan((driven().clock.now() + retentionSecondsDefault * 1000) / 1000);
    for (const name of names) expect(await bodies(name), name).toEqual(['large']);
  });

  it('a queue without retention gets a body of its own, which it removes', async () => {
    await driven().create('q');
    await driven().create('forever', forever);
    await publishToAll(driven(), ['q', 'forever'], [{ body: large }]);
    expect(await chunks()).toHaveLength(2);
    expect(await withoutTtl()).toHaveLength(1);
    const messages = await driven().receive('forever');
    await driven().ack('forever', messages);
    expect(await bodies('q')).toEqual(['large']);
    expect(await residue()).toEqual([]);
  });

  it('a queue with the longest retention decides the TTL, and a later publish of the same text has a body of its own', async () => {
    await driven().create('short', { retentionSeconds: 60 });
    await driven().create('long', { retentionSeconds: 300 * daySeconds });
    await publishToAll(driven(), ['short', 'long'], [{ body: large }]);
    await publishToAll(driven(), ['short', 'long'], [{ body: large }]);
    expect(await chunks()).toHaveLength(2);
    driven().clock.advance(299 * dayMs);
    await actTtl();
    expect(await bodies('long')).toEqual(['large', 'large']);
  });

  interface Fate {
    settings?: Partial<QueueSettings>;
    entry?: PublishEntry;
    /** What becomes of the message of the queue `q`. */
    run: () => Promise<unknown>;
    /** What is checked long after TTL has removed the shared body. */
    late?: () => Promise<unknown>;
  }

  const receiveOne = async () => (await driven().receive('q'))[0]!;
  const receiptOf = async () => ({ receipts: [(await receiveOne()).receipt] });
  const deadLetter = (queue: string) => ({ deadLetter: { queue, maxReceives: 1 } });
  const dies = async () => driven().call('release', 'q', await receiptOf());
  const bodiesLate = (queue: string) => async () =>
    expect(await bodies(queue, { visibilityTimeoutSeconds: 0 })).toEqual(['large']);

  const bodyLate = async () => expect(await bodyOf('own')).toBe('large');

  const fates: { [name: string]: Fate } = {
    acked: { run: async () => driven().call('ack', 'q', await receiptOf()) },
    'acked in a group': { entry: { group: 'g' }, run: async () => driven().call('ack', 'q', await receiptOf()) },
    cancelled: {
      entry: { id: 'own' },
      run: () => driven().engine.call('cancelMessage', { queue: 'q', id: 'own' }, {}),
    },
    'cancelled as a parcel': {
      run: async () => {
        const { messages } = await driven().call('peek', 'q', {});
        await driven().engine.call('cancelMessage', { queue: 'q', id: messages[0]!.id }, {});
      },
    },
    'dead, and read at once': {
      settings: deadLetter('dead'),
      run: async () => {
        await dies();
        expect(await bodies('dead')).toEqual(['large']);
      },
    },
    'dead in a queue without retention': {
      settings: deadLetter('grave'),
      run: dies,
      late: bodiesLate('grave'),
    },
    'dead in a queue without retention, out of a group': {
      settings: deadLetter('grave'),
      entry: { group: 'g' },
      run: dies,
      late: bodiesLate('grave'),
    },
    'dead in a queue without retention, under an id of its own': {
      settings: deadLetter('grave'),
      entry: { id: 'own' },
      run: dies,
      late: bodiesLate('grave'),
    },
    'dead in a queue with a long retention': {
      settings: deadLetter('archive'),
      run: dies,
      late: bodiesLate('archive'),
    },
    'expired into a queue without retention': {
      settings: { retentionSeconds: 60, ...deadLetter('grave') },
      run: async () => {
        driven().clock.advance(61 * secondMs);
        await driven().sweep();
      },
      late: bodiesLate('grave'),
    },
    'redriven to another queue, and back from one without retention': {
      settings: deadLetter('grave'),
      run: async () => {
        await dies();
        await driven().redrive('grave');
        expect(await bodies('q')).toEqual(['large']);
      },
    },
    purged: {
      run: async () => {
        await driven().call('purge', 'q');
        driven().clock.advance(settingsCacheMs);
        await driven().sweep();
        expect(await bodies('q')).toEqual([]);
      },
    },
    'edited to another body': {
      entry: { id: 'own' },
      run: async () => {
        await driven().engine.call('updateMessage', { queue: 'q', id: 'own' }, { content: { body: 'new' } });
        expect(await bodies('q')).toEqual(['new']);
      },
    },
    'edited to a late time': {
      entry: { id: 'own' },
      run: () => driven().engine.call('updateMessage', { queue: 'q', id: 'own' }, { delaySeconds: 300 * daySeconds }),
      late: async () => {
        driven().clock.advance(101 * dayMs);
        await actTtl();
        expect(await bodies('q')).toEqual(['large']);
      },
    },
    'kept after its ack': {
      settings: { keep: { doneSeconds: 800 * daySeconds, deadSeconds: 0 } },
      entry: { id: 'own' },
      run: async () => driven().call('ack', 'q', await receiptOf()),
      late: async () => {
        expect(await bodyOf('own')).toBe('large');
      },
    },
    'kept after its ack in a group': {
      settings: { keep: { doneSeconds: 800 * daySeconds, deadSeconds: 0 } },
      entry: { group: 'g' },
      run: async () => {
        const message = await receiveOne();
        ended = message.id;
        await driven().ack('q', [message]);
      },
      late: async () => {
        expect(await bodyOf(ended!)).toBe('large');
      },
    },
    'kept after it was cancelled as a parcel': {
      settings: { keep: { doneSeconds: 0, deadSeconds: 800 * daySeconds } },
      run: async () => {
        const { messages } = await driven().call('peek', 'q', {});
        ended = messages[0]!.id;
        await driven().engine.call('cancelMessage', { queue: 'q', id: ended }, {});
      },
      late: async () => expect(await bodyOf(ended!)).toBe('large'),
    },
    'kept after it expired': {
      settings: { retentionSeconds: 60, keep: { doneSeconds: 0, deadSeconds: 800 * daySeconds } },
      run: async () => {
        const { messages } = await driven().call('peek', 'q', {});
        ended = messages[0]!.id;
        driven().clock.advance(61 * secondMs);
        await driven().sweep();
      },
      late: async () => {
        expect(await bodyOf(ended!)).toBe('large');
      },
    },
    'leased for longer than the body is shared': {
      entry: { id: 'own' },
      run: () => driven().receive('q', { visibilityTimeoutSeconds: 360 * daySeconds }),
      late: bodyLate,
    },
    'extended for longer than the body is shared': {
      entry: { id: 'own' },
      run: async () => driven().call('extend', 'q', { ...(await receiptOf()), visibilityTimeoutSeconds: 360 * daySeconds }),
      late: bodyLate,
    },
    'released for later than the body is shared': {
      entry: { id: 'own' },
      run: async () => driven().call('release', 'q', { ...(await receiptOf()), delaySeconds: 360 * daySeconds }),
      late: bodyLate,
    },
    'in a queue that is deleted': {
      run: async () => {
        await driven().call('deleteQueue', 'q');
        await sweeps();
      },
    },
    'in a group of a queue that is deleted': {
      entry: { group: 'g' },
      run: async () => {
        await driven().call('deleteQueue', 'q');
        await sweeps();
      },
    },
    'leased in a queue that is deleted': {
      run: async () => {
        await receiveOne();
        await driven().call('deleteQueue', 'q');
        await sweeps();
      },
    },
  };
  /** The id of a message that is kept. */
  let ended: string | undefined;

  it.each(Object.entries(fates))('a message that is %s leaves the others their body', async (_, {
    settings = {},
    entry = {},
    run,
    late,
  }) => {
    const { create, receive, ack, clock } = driven();
    await create('dead');
    await create('grave', forever);
    await create('archive', { retentionSeconds: 700 * daySeconds });
    await create('q', settings);
    await create('other', { groups: { concurrency: 1, onFailure: 'block', ratePerSecond: null } });
    await create('last');
    await publishToAll(driven(), ['q', 'other', 'last'], [{ ...entry, body: large }]);
    expect(await chunks()).toHaveLength(1);

    await run();
    await sweeps(2);
    const others = await receive('other');
    expect(others.map(({ body }) => named(body))).toEqual(['large']);
    await ack('other', others);
    await sweeps(2);
    expect(await bodies('last', { visibilityTimeoutSeconds: 0 })).toEqual(['large']);
    clock.advance(lateMs);
    await actTtl();
    await late?.();
    for (const name of ['q', 'grave', 'archive', 'dead', 'last']) {
      const left = await receive(name).catch(() => []);
      if (left.length > 0) await ack(name, left);
    }
    expect(await residue()).toEqual([]);
    expect((await namesOf()).size).toBeLessThanOrEqual(1);
  });

  /** A message whose last lease is over, of which the next receive makes a dead letter for a queue without retention. */
  async function withOneDying() {
    await driven().create('grave', forever);
    await driven().create('q', { visibilityTimeoutSeconds: 1, ...deadLetter('grave') });
    await driven().create('other');
    await publishToAll(driven(), ['q', 'other'], [{ body: large }]);
    const messages = await driven().receive('q');
    driven().clock.advance(2 * secondMs);
    return messages;
  }

  it.each(['refused', 'lost the race'])('the copy for a move that was %s is removed, and the shared body stays', async (how) => {
    const messages = await withOneDying();
    const { spy, receive, ack } = driven();
    let isNext = true;
    spy.before = async ({ method, keys }) => {
      if (!isNext || method !== 'write' || keys[0]!.table !== 'leases') return;
      isNext = false;
      if (how === 'refused') throw new StoreError('too busy', 'no');
      await ack('q', messages);
    };
    await receive('q').catch(() => {});
    expect(isNext).toBe(false);
    expect(await withoutTtl()).toEqual([]);
    expect(await bodies('other')).toEqual(['large']);
    expect(await bodies('grave')).toEqual([]);
  });

  it('a kept message keeps its shared body when the rest of its parcel dies', async () => {
    const { create, receive, ack, call, clock } = driven();
    await create('dead');
    await create('q', { deadLetter: { queue: 'dead', maxReceives: 1 }, keep: { doneSeconds: 800 * daySeconds, deadSeconds: 0 } });
    await create('other');
    await publishToAll(driven(), ['q', 'other'], [{ body: large }, { body: 'small' }]);
    const [first, second] = await receive('q');
    await ack('q', [first!]);
    await call('release', 'q', { receipts: [second!.receipt] });
    expect(await bodies('dead')).toEqual(['small']);
    expect(await bodies('other')).toEqual(['large', 'small']);
    clock.advance(lateMs);
    await actTtl();
    expect(await bodyOf(first!.id)).toBe('large');
  });

  it('a message that leaves a shared parcel takes its own content with it, and the rest stays shared', async () => {
    const { create, engine, call } = driven();
    for (const name of ['q', 'other']) await create(name);
    await publishToAll(driven(), ['q', 'other'], [{ body: 'first' }, { body: noise(20_000) }]);
    expect(await chunks()).toHaveLength(1);
    const { messages } = await call('peek', 'q', {});
    await engine.call('updateMessage', { queue: 'q', id: messages[0]!.id }, { content: { body: 'changed' } });
    expect((await bodies('q')).sort()).toEqual(['changed', noise(20_000)]);
    expect(await bodies('other')).toEqual(['first', noise(20_000)]);
  });
});
