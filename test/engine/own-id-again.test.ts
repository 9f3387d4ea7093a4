/** Publishing with the own id of an ended message: the table of rules in docs/guide.md, and requests that are lost or late. */
import { expect, it } from 'vitest';
import type { Idempotency } from '../../contract/contract.ts';
import { endGraceMs, tombstoneMs } from '../../contract/limits.ts';
import { type Store, StoreError, type Write } from '../../engine/port/port.ts';
import { secondMs } from '../support/durations.ts';
import { noise } from '../support/noise.ts';
import { onBothStores } from '../support/on-both-stores.ts';

const id = 'mine';
const accepted = { ok: true, id };
const duplicate = { ok: true, id, duplicate: true };

/** A store that passes each write of the row of the own id to `write`. */
function over(store: Store, write: (one: Write, go: () => ReturnType<Store['write']>) => ReturnType<Store['write']>): Store {
  const isOwn = ({ key }: Write) => key.table === 'leases' && 'id' in key && key.id.endsWith(`=${id}`);
  return {
    ...store,
    write: (one, options) => (isOwn(one) ? write(one, () => store.write(one, options)) : store.write(one, options)),
  };
}

onBothStores('publishing with the own id of an ended message', (driven) => {
  const publishBy = async (engine: Pick<ReturnType<typeof driven>['engine'], 'call'>, body: unknown) =>
    (await engine.call('publish', { queue: 'q' }, { messages: [{ id, body: body as string }] })).results[0];
  const publish = (body: unknown) => publishBy(driven().engine, body);
  const cancel = (force = false) => driven().engine.call('cancelMessage', { queue: 'q', id }, { force });

  /** How the first message ends, and the settings of `idempotency` with which its id is free at once. */
  const endings: Record<string, { end: () => Promise<unknown>; freeBy: Idempotency[] }> = {
    'was cancelled while it waited': { end: () => cancel(), freeBy: ['live', 'acked'] },
    'was cancelled while leased': {
      end: async () => {
        await driven().receive('q');
        await cancel(true);
      },
      freeBy: ['live', 'acked'],
    },
    'was acked': { end: async () => driven().ack('q', await driven().receive('q')), freeBy: ['live'] },
  };
  const cases = Object.entries(endings).flatMap(([how, { end, freeBy }]) =>
    (['live', 'acked', 'ended'] as const).flatMap((idempotency) =>
      [false, true].map((isKept) => ({ how, end, idempotency, isKept, isFree: freeBy.includes(idempotency) })),
    ),
  );

  it('publish with the own id of an ended message is accepted or a duplicate as the setting idempotency says, kept or not', async () => {
    expect(cases).toHaveLength(18);
    const { create, call, bodies } = driven();
    for (const { how, end, idempotency, isKept, isFree } of cases) {
      const context = `${how}, ${idempotency}, ${isKept ? 'kept' : 'not kept'}`;
      const keep = isKept ? { doneSeconds: 86_400, deadSeconds: 86_400 } : null;
      await create('q', { idempotency, keep });
      expect(await publish('first'), context).toEqual(accepted);
      expect(await publish('again'), context).toEqual(duplicate);
      await end();
      expect(await publish('second'), context).toEqual(isFree ? accepted : duplicate);
      expect(await bodies('q'), context).toEqual(isFree ? ['second'] : []);
      await call('deleteQueue', 'q');
      driven().clock.advance(endGraceMs);
      await driven().sweep();
    }
  });

  it('publish with a cancelled own id is accepted by default, and the message is edited and cancelled like any other', async () => {
    const { create, bodies, engine, clock } = driven();
    await create('q');
    await publish('first');
    await cancel();
    await publish('second');
    await engine.call('updateMessage', { queue: 'q', id }, { delaySeconds: 60 });
    expect(await bodies('q')).toEqual([]);
    await cancel();
    clock.advance(60 * secondMs);
    expect(await bodies('q')).toEqual([]);
    expect(await publish('third')).toEqual(accepted);
    expect(await bodies('q')).toEqual(['third']);
  });

  it('publish with the own id of a rolled back message is accepted by default', async () => {
    const { create, engine, bodies } = driven();
    await create('q', { prepared: { timeoutSeconds: 60, checkBack: null } });
    await engine.call('publish', { queue: 'q' }, { messages: [{ id, body: 1, prepared: true }] });
    await engine.call('rollbackMessage', { queue: 'q', id }, {});
    expect(await publish('second')).toEqual(accepted);
    expect(await bodies('q')).toEqual(['second']);
  });

  it('publish with the own id of a message cancelled while leased leaves the former holder without a lease', async () => {
    const { create, receive, ack, bodies, clock } = driven();
    await create('q');
    await publish('first');
    const held = await receive('q');
    await cancel(true);
    await publish('second');
    expect(await ack('q', held)).toMatchObject([{ ok: false, code: 'lease_lost' }]);
    expect(await bodies('q')).toEqual(['second']);
    clock.advance(30 * secondMs);
    expect(await bodies('q')).toEqual(['second']);
  });

  it('publish with the own id of a dead letter is a duplicate until the dead letter is cancelled', async () => {
    const { create, receive, call, engine, bodies } = driven();
    await create('dead');
    await create('q', { deadLetter: { queue: 'dead', maxReceives: 1 } });
    await publish('first');
    const [held] = await receive('q');
    await call('release', 'q', { receipts: [held!.receipt], deadLetter: true });
    expect(await publish('second')).toEqual(duplicate);
    await engine.call('cancelMessage', { queue: 'dead', id }, {});
    expect(await publish('third')).toEqual(accepted);
    expect(await bodies('q')).toEqual(['third']);
    expect(await bodies('dead')).toEqual([]);
  });

  it.each([
    'live',
    'acked',
  ] as const)('publish with a cancelled own id leaves no body of the first message behind, with idempotency %s', async (idempotency) => {
    const { create, rows, bodies } = driven();
    await create('q', { retentionSeconds: null, idempotency });
    await publish(noise(3000));
    await cancel();
    await publish('small');
    expect(await rows('messages')).toEqual([]);
    expect(await bodies('q')).toEqual(['small']);
  });

  it('publishItems with a cancelled own id cancels the transaction for an hour', async () => {
    const { create, call, commit, clock, bodies } = driven();
    await create('q');
    await publish('first');
    await cancel();
    const commitOne = async () => commit((await call('publishItems', 'q', { messages: [{ id, body: 'second' }] })).items);
    expect(await commitOne()).toEqual([0]);
    clock.advance(tombstoneMs + 1);
    expect(await commitOne()).toEqual([]);
    expect(await bodies('q')).toEqual(['second']);
  });

  it('a publish whose message was stored without an answer, delivered and cancelled publishes nothing again', async () => {
    const { create, receive, spy, bodies, clock } = driven();
    await create('q');
    const received: unknown[] = [];
    let lost = 0;
    const losingAnswer = driven().another(
      over(spy.store, async (_, go) => {
        await go();
        if (lost++ > 0) return go();
        received.push(...(await receive('q')).map(({ body }) => body));
        await cancel(true);
        throw new StoreError('no answer', 'unknown');
      }),
    );
    expect(await publishBy(losingAnswer, 'once')).toMatchObject({ ok: false, code: 'unavailable' });
    clock.advance(60 * secondMs);
    expect([received, await bodies('q')]).toEqual([['once'], []]);
  });

  it('publish with a cancelled own id is accepted once when the answer is lost, and unavailable when the request may come later', async () => {
    const { create, spy, bodies } = driven();
    await create('q');
    await publish('first');
    await cancel();
    const isPut = ({ when }: Write) => when !== undefined && 'equals' in when;
    const losingAnswer = driven().another(
      over(spy.store, async (one, go) => {
        const written = await go();
        if (isPut(one)) throw new StoreError('no answer', 'unknown');
        return written;
      }),
    );
    expect(await publishBy(losingAnswer, 'second')).toEqual(accepted);
    expect(await bodies('q', { visibilityTimeoutSeconds: 0 })).toEqual(['second']);
    await cancel();
    let late: (() => unknown) | undefined;
    const slow = driven().another(
      over(spy.store, async (one, go) => {
        if (!isPut(one)) return go();
        late = go;
        throw new StoreError('no answer', 'unknown');
      }),
    );
    expect(await publishBy(slow, 'third')).toMatchObject({ ok: false, code: 'unavailable' });
    expect(await bodies('q')).toEqual([]);
    await late!();
    expect(await bodies('q')).toEqual(['third']);
  });

  it('late copies of any request neither revive an ended message nor end another with the same own id', async () => {
    const { create, receive, ack, spy, bodies, clock } = driven();
    for (const idempotency of ['live', 'acked'] as const) {
      await create('q', { idempotency });
      const sent: Write[] = [];
      const recorded = driven().another(
        over(spy.store, (one, go) => {
          sent.push(one);
          return go();
        }),
      );
      const copies = async () => {
        for (const one of sent) await spy.store.write(one);
      };
      const call = recorded.call;
      expect(await publishBy(recorded, 'first')).toEqual(accepted);
      await call('cancelMessage', { queue: 'q', id }, {});
      expect(await publishBy(recorded, 'second')).toEqual(accepted);
      await copies();
      const held = await receive('q', { visibilityTimeoutSeconds: 5 });
      expect(held.map(({ body }) => body)).toEqual(['second']);
      await copies();
      expect(await ack('q', held)).toEqual([{ ok: true }]);
      await copies();
      clock.advance(5 * secondMs);
      expect(await bodies('q')).toEqual([]);
      await driven().call('deleteQueue', 'q');
    }
  });
});
