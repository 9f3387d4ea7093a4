/** The leases of a message, as getMessage and peek show them in queues that keep messages. */
import { expect, it } from 'vitest';
import type { LeaseRecord, PublishEntry, QueueSettingsInput, ReceivedMessage } from '../../contract/contract.ts';
import { errorsKeptMax, leasesKeptMax } from '../../contract/limits.ts';
import type { DrivenEngine } from '../support/driven-engine.ts';
import { instant } from '../support/durations.ts';
import { onEveryStore } from '../support/on-both-stores.ts';

const keep = { doneSeconds: 3600, deadSeconds: 3600 };
const leaseMs = 10_000;

/** What ends a lease that began a second ago, and how the lease then shows. */
const ends: [string, (driven: DrivenEngine, held: ReceivedMessage) => Promise<unknown>, Partial<LeaseRecord>, number][] = [
  ['a release', ({ call }, { receipt }) => call('release', 'q', { receipts: [receipt] }), { outcome: 'released' }, 1_000],
  [
    'a release with a failure',
    ({ call }, { receipt }) => call('release', 'q', { receipts: [receipt], failed: 'no paper' }),
    { outcome: 'failed', failure: 'no paper' },
    1_000,
  ],
  [
    'a release with a failure without a text',
    ({ call }, { receipt }) => call('release', 'q', { receipts: [receipt], failed: '' }),
    { outcome: 'failed' },
    1_000,
  ],
  [
    'a release by id',
    ({ engine }, { id }) => engine.call('releaseMessage', { queue: 'q', id }, {}),
    { outcome: 'released' },
    1_000,
  ],
  ['its expiry', async ({ clock }) => clock.advance(leaseMs), { outcome: 'expired' }, leaseMs],
  ['an ack', ({ ack }, held) => ack('q', [held]), { outcome: 'acked' }, 1_000],
  [
    'a cancel with force',
    ({ engine }, { id }) => engine.call('cancelMessage', { queue: 'q', id }, { force: true }),
    { outcome: 'cancelled' },
    1_000,
  ],
];

const places: [string, Partial<PublishEntry>, QueueSettingsInput][] = [
  ['in a shared row', {}, {}],
  ['in a row of its own', { id: 'own' }, {}],
  ['in a group', { group: 'g' }, {}],
  ['in a group that failed messages leave', { group: 'g' }, { groups: { onFailure: 'aside' } }],
];

onEveryStore('the leases of a message', (driven) => {
  const get = (id: string, queue = 'q') => driven().engine.call('getMessage', { queue, id }, {});
  const leases = async (id: string, queue = 'q') => (await get(id, queue)).leases;
  const now = () => instant(driven().clock.now());
  /** Receives the message and lets a second pass. */
  const hold = async (queue = 'q'): Promise<ReceivedMessage> => {
    const [held] = await driven().receive(queue, { max: 1 });
    driven().clock.advance(1_000);
    return held!;
  };
  const fail = async (failed: string, more: object = {}) => {
    const { receipt } = await hold();
    await driven().call('release', 'q', { receipts: [receipt], failed, ...more });
  };

  it.each(
    places.flatMap(([where, place, settings]) => ends.map((end) => [where, end[0], place, settings, end] as const)),
  )('a message %s shows each lease with its end, the first and the second one by %s', async (_, __, place, settings, end) => {
    const { create, publish, clock } = driven();
    const [, run, shown, lastedMs] = end;
    await create('q', { keep, visibilityTimeoutSeconds: leaseMs / 1000, ...settings });
    const [id] = await publish('q', { body: 1, ...place });
    if (place.group === undefined) await publish('q', { body: 2, ...(place.id && { id: 'other' }) });
    expect(await get(id!)).not.toHaveProperty('leases');
    for (const before of [[], [{ ...shown, receivedAt: now(), endedAt: instant(clock.now() + lastedMs) }]]) {
      const receivedAt = now();
      const [held] = (await driven().receive('q', { max: 10 })).filter((message) => message.id === id);
      expect(await leases(id!)).toEqual([...before, { receivedAt, outcome: 'running' }]);
      clock.advance(1_000);
      await run(driven(), held!);
      expect(await leases(id!)).toEqual([
        ...before,
        { ...shown, receivedAt, endedAt: instant(Date.parse(receivedAt) + lastedMs) },
      ]);
      if (shown.outcome === 'acked' || shown.outcome === 'cancelled') return;
    }
  });

  it('the last ten leases of a message show, and the last five failures have their texts', async () => {
    const { create, send, ack, call } = driven();
    await create('q', { keep });
    const [id] = await send('q', 1);
    const shown: LeaseRecord[] = [];
    for (let round = 0; round <= leasesKeptMax; round++) {
      const receivedAt = now();
      await fail(`failure ${round}`);
      const failure = round > leasesKeptMax - errorsKeptMax ? { failure: `failure ${round}` } : {};
      shown.push({ receivedAt, endedAt: now(), outcome: 'failed', ...failure });
    }
    expect(await leases(id!)).toEqual(shown.slice(-leasesKeptMax));
    expect((await call('peek', 'q', {})).messages).toEqual([await get(id!)]);
    const receivedAt = now();
    await ack('q', [await hold()]);
    const acked = { receivedAt, endedAt: now(), outcome: 'acked' };
    expect(await leases(id!)).toEqual([...shown, acked].slice(-leasesKeptMax));
  });

  it('a lease that an extend lengthened ends when that ended, without the backoff, and an edit then keeps it', async () => {
    const { create, send, call, clock, engine } = driven();
    await create('q', { keep, visibilityTimeoutSeconds: 10, backoff: { minSeconds: 7, maxSeconds: 7, factor: 1, jitter: 0 } });
    const [id] = await send('q', 1);
    const receivedAt = now();
    const { receipt } = await hold();
    await call('extend', 'q', { receipts: [receipt], visibilityTimeoutSeconds: 60 });
    clock.advance(62_000);
    const expired = { receivedAt, endedAt: instant(Date.parse(receivedAt) + 61_000), outcome: 'expired' };
    expect(await leases(id!)).toEqual([expired]);
    await engine.call('updateMessage', { queue: 'q', id: id! }, { delaySeconds: 100 });
    expect(await leases(id!)).toEqual([expired]);
    clock.advance(100_000);
    const second = now();
    await hold();
    expect(await leases(id!)).toEqual([expired, { receivedAt: second, outcome: 'running' }]);
  });

  it('an ack after the lease expired is the end of that lease, and a cancel after it is not', async () => {
    const { create, publish, receive, ack, clock, engine } = driven();
    await create('q', { keep, visibilityTimeoutSeconds: 10 });
    const [acked, cancelled] = await publish('q', { body: 1 }, { body: 2 });
    const receivedAt = now();
    const [held] = await receive('q');
    clock.advance(20_000);
    await ack('q', [held!]);
    await engine.call('cancelMessage', { queue: 'q', id: cancelled! }, {});
    expect(await leases(acked!)).toEqual([{ receivedAt, endedAt: now(), outcome: 'acked' }]);
    const endedAt = instant(Date.parse(receivedAt) + 10_000);
    expect(await leases(cancelled!)).toEqual([{ receivedAt, endedAt, outcome: 'expired' }]);
  });

  it('a receive that is given back uncounted leaves no lease, and those before it stay', async () => {
    const { create, send, engine } = driven();
    await create('q', { keep });
    const [id] = await send('q', 1);
    await engine.giveBack('q', [(await hold()).receipt]);
    expect(await get(id!)).not.toHaveProperty('leases');
    await fail('no');
    const before = await leases(id!);
    await engine.giveBack('q', [(await hold()).receipt]);
    expect(await leases(id!)).toEqual(before);
    const receivedAt = now();
    await hold();
    expect(await leases(id!)).toEqual([...before!, { receivedAt, outcome: 'running' }]);
  });

  it.each([
    ['by a rejection', 5, { outcome: 'failed', failure: 'bad' }, 1_000],
    ['when its last lease expires', 2, { outcome: 'expired' }, leaseMs],
  ] as const)('a dead letter shows the leases from the queue where it died, %s, and a redrive starts over', async (_, maxReceives, last, lastedMs) => {
    const { create, send, clock, sweep, redrive } = driven();
    await create('dead', { keep });
    await create('q', { keep, deadLetter: { queue: 'dead', maxReceives }, visibilityTimeoutSeconds: leaseMs / 1000 });
    const [id] = await send('q', 1);
    await fail('no paper');
    const first = (await leases(id!))![0]!;
    const receivedAt = now();
    if (last.outcome === 'failed') await fail('bad', { deadLetter: true });
    else {
      await hold();
      clock.advance(leaseMs);
      await sweep();
    }
    const died = { ...last, receivedAt, endedAt: instant(Date.parse(receivedAt) + lastedMs) };
    expect(await get(id!)).toMatchObject({ queue: 'dead', state: 'dead' });
    expect(await leases(id!)).toEqual([first, died]);
    const receivedDead = now();
    const { receipt } = await hold('dead');
    await driven().call('release', 'dead', { receipts: [receipt] });
    expect(await leases(id!)).toEqual([first, died, { receivedAt: receivedDead, endedAt: now(), outcome: 'released' }]);
    await redrive('dead');
    expect(await get(id!)).toMatchObject({ queue: 'q', state: 'ready' });
    expect(await get(id!)).not.toHaveProperty('leases');
  });

  it('a dead letter that stays in its group shows its leases before its group reaches it', async () => {
    const { create, publish } = driven();
    await create('dead', { keep, groups: { deadLetters: 'ordered' } });
    await create('q', { keep, deadLetter: { queue: 'dead', maxReceives: 5 } });
    const [one, two] = await publish('q', { body: 1, group: 'g' }, { body: 2, group: 'g' });
    for (const id of [one!, two!]) {
      const receivedAt = now();
      await fail('bad', { deadLetter: true });
      expect(await leases(id)).toEqual([{ receivedAt, endedAt: now(), outcome: 'failed', failure: 'bad' }]);
    }
  });

  it('a message that exceeds its retention shows its last lease as expired, before and after the sweep', async () => {
    const { create, send, clock, sweep } = driven();
    await create('q', { keep, retentionSeconds: 60, visibilityTimeoutSeconds: 10 });
    const [id] = await send('q', 1);
    const receivedAt = now();
    await hold();
    clock.advance(60_000);
    const expired = [{ receivedAt, endedAt: instant(Date.parse(receivedAt) + 10_000), outcome: 'expired' }];
    for (const step of [async () => {}, sweep]) {
      await step();
      expect(await get(id!)).toMatchObject({ state: 'expired', leases: expired });
    }
  });

  it('a queue that keeps nothing records no leases, and one that begins to keep records those that begin from then on', async () => {
    const { create, send, call, rows } = driven();
    await create('q');
    const [id] = await send('q', 1);
    for (const _ of [1, 2]) await fail('no');
    const second = await hold();
    expect(await get(id!)).not.toHaveProperty('leases');
    expect((await rows('leases'))[0]!.slots).not.toMatchObject([{ m: expect.anything() }]);
    await call('updateQueue', 'q', { keep });
    await call('release', 'q', { receipts: [second.receipt] });
    expect(await get(id!)).not.toHaveProperty('leases');
    const receivedAt = now();
    const { receipt } = await hold();
    await call('release', 'q', { receipts: [receipt] });
    const recorded = [{ receivedAt, endedAt: now(), outcome: 'released' }];
    expect(await leases(id!)).toEqual(recorded);
    await call('updateQueue', 'q', { keep: null });
    await hold();
    expect(await leases(id!)).toEqual(recorded);
  });

  it('a message acked at its first receive records nothing besides its end', async () => {
    const { create, send, ack, rows } = driven();
    await create('q', { keep });
    await send('q', 1);
    await ack('q', [await hold()]);
    const [{ slots }] = (await rows('leases')) as [{ slots: object[] }];
    expect(Object.keys(slots[0]!).toSorted()).toEqual(['a', 'd', 'k', 'r', 't', 'v']);
  });
});
