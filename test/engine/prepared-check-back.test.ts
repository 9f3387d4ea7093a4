/** Prepared messages that are not committed in time: the sweep asks the publisher, or rolls back. */
import { expect, it } from 'vitest';
import { checkBacksMax } from '../../contract/limits.ts';
import { hourMs, secondMs } from '../support/durations.ts';
import { withCode } from '../support/expected.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { preparedQueue, timeoutSeconds } from '../support/prepared-queue.ts';

onBothStores('a prepared message after its timeout', (driven) => {
  const { bodies, commit, create, get, prepare } = preparedQueue(driven);

  it.each([
    { url: 'http://example.com/' },
    { url: 'http://localhost.example.com/' },
    { url: 'https://user:word@example.com/' },
    { url: 'ftp://example.com/' },
    { url: 'example.com' },
    { url: `https://example.com/${'x'.repeat(2048)}` },
    { url: 'https://example.com/', functionName: 'f' },
    { functionName: 'a/b' },
    { functionName: '' },
    {},
  ])('createQueue refuses a bad check-back target: %j', async (checkBack) => {
    await expect(create({}, { checkBack: checkBack as never })).rejects.toEqual(withCode('invalid_input'));
  });

  it.each([
    { url: 'https://example.com:8443/check?of=q' },
    { url: 'http://localhost:8080/' },
    { url: 'http://127.0.0.1' },
    { url: 'http://[::1]:1/' },
    { functionName: 'arn:aws:lambda:eu-central-1:123456789012:function:check:live' },
    { functionName: 'check:$LATEST' },
  ])('createQueue accepts the check-back target %j', async (checkBack) => {
    expect(await create({}, { checkBack })).toMatchObject({ prepared: { timeoutSeconds, checkBack } });
    expect(await driven().call('getQueue', 'q')).toMatchObject({ prepared: { checkBack }, counts: { prepared: 0 } });
  });

  it('the sweep rolls back a message that is not committed in time, to the millisecond, without a check-back target', async () => {
    const { clock, sweep, events, asked } = driven();
    await create();
    const [id] = await prepare({ body: 1 });
    clock.advance(timeoutSeconds * secondMs - 1);
    await sweep();
    expect(await get(id!)).toMatchObject({ state: 'prepared' });
    clock.advance(1);
    // The timeout is over, but nothing is decided before the sweep.
    expect(await get(id!)).toMatchObject({ state: 'prepared' });
    await sweep();
    await expect(get(id!)).rejects.toEqual(withCode('message_not_found'));
    await expect(commit(id!)).rejects.toEqual(withCode('message_rolled_back'));
    expect(asked).toEqual([]);
    expect(events).toMatchObject([{ kind: 'rolled_back', queue: 'q', asked: 0 }]);
  });

  it('a prepared message can be committed after its timeout and before the sweep', async () => {
    const { clock, sweep } = driven();
    await create();
    const [id] = await prepare({ body: 1 });
    clock.advance(hourMs);
    await commit(id!);
    await sweep();
    expect(await bodies()).toEqual([1]);
  });

  it.each(['commit', 'rollback'] as const)('the sweep does what the publisher answers to a check-back: %s', async (outcome) => {
    const { clock, sweep, asked, answer } = driven();
    const checkBack = { url: 'https://example.com/check' };
    await create({}, { checkBack });
    const ids = await prepare({ body: 1, attributes: { a: 1 } }, { bodyBase64: 'AAAA', id: 'own' });
    const { publishedAt } = await get(ids[0]!);
    answer.now = async () => outcome;
    await sweep();
    expect(asked).toEqual([]);
    clock.advance(timeoutSeconds * secondMs);
    await sweep();
    expect(asked).toEqual(
      expect.arrayContaining([
        { target: checkBack, message: { queue: 'q', id: ids[0], body: 1, attributes: { a: 1 }, publishedAt, asked: 1 } },
        { target: checkBack, message: { queue: 'q', id: 'own', bodyBase64: 'AAAA', attributes: {}, publishedAt, asked: 1 } },
      ]),
    );
    expect(asked.length).toBe(2);
    expect((await driven().receive('q')).map(({ id }) => id).sort()).toEqual(outcome === 'commit' ? [...ids].sort() : []);
    await sweep();
    expect(asked.length).toBe(2);
  });

  it('the sweep asks a publisher that does not know again at each timeout, up to a maximum, then rolls back', async () => {
    const { clock, sweep, asked, events } = driven();
    await create({ retentionSeconds: 60 }, { checkBack: { functionName: 'f' } });
    const [id] = await prepare({ body: 1 });
    for (let time = 1; time <= checkBacksMax; time++) {
      clock.advance(timeoutSeconds * secondMs - 1);
      await sweep();
      expect(asked.length).toBe(time - 1);
      clock.advance(1);
      await Promise.all([
        sweep(),
        driven()
          .another()
          .sweep({ until: clock.now() + hourMs }),
      ]);
      expect(asked.length).toBe(time);
      expect(await get(id!)).toMatchObject({ state: 'prepared' });
    }
    clock.advance(timeoutSeconds * secondMs);
    await sweep();
    expect(asked.length).toBe(checkBacksMax);
    await expect(commit(id!)).rejects.toEqual(withCode('message_rolled_back'));
    expect(events).toMatchObject([{ kind: 'rolled_back', asked: checkBacksMax }]);
  });

  it('a publisher is asked again when the sweep died while it asked', async () => {
    const { clock, another, asked, answer, sweep } = driven();
    await create({}, { checkBack: { functionName: 'f' } });
    const [id] = await prepare({ body: 1 });
    clock.advance(timeoutSeconds * secondMs);
    const died = new Promise<void>((resolve) => {
      answer.now = () => {
        resolve();
        return new Promise(() => {});
      };
    });
    void another().sweep({ until: clock.now() + hourMs });
    await died;
    answer.now = async () => 'commit';
    await sweep();
    expect(asked.length).toBe(1);
    clock.advance(timeoutSeconds * secondMs);
    await sweep();
    expect(asked.map(({ message }) => [message.id, message.asked])).toEqual([
      [id, 1],
      [id, 2],
    ]);
    expect(await bodies()).toEqual([1]);
  });

  it('a check-back answer that comes after a commit rolls nothing back', async () => {
    const { clock, sweep, answer } = driven();
    await create({}, { checkBack: { functionName: 'f' } });
    const [id] = await prepare({ body: 1 });
    answer.now = async () => {
      clock.advance(30 * secondMs);
      await commit(id!);
      return 'rollback';
    };
    clock.advance(timeoutSeconds * secondMs);
    await sweep();
    expect(await bodies()).toEqual([1]);
  });

  it('a sweep that is paused while its queue gets a check-back target asks the publisher', async () => {
    const { another, spy, clock, call, asked, answer } = driven();
    await create();
    const [id] = await prepare({ body: 1 });
    answer.now = async () => 'commit';
    let hasPaused = false;
    const sweeper = another({
      ...spy.store,
      async range(range) {
        const found = await spy.store.range(range);
        if (!hasPaused && range.table === 'leases') {
          hasPaused = true;
          await call('updateQueue', 'q', { prepared: { timeoutSeconds, checkBack: { url: 'https://publisher.example/' } } });
          clock.advance(timeoutSeconds * secondMs);
        }
        return found;
      },
    });
    await sweeper.sweep({ until: clock.now() + hourMs });
    expect(asked.map(({ message }) => message.id)).toEqual([id]);
    expect(await bodies()).toEqual([1]);
  });
});
