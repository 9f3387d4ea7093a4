/** The parcel row of a message that was received. */
import { expect, it } from 'vitest';
import { type Store, StoreError } from '../../engine/port/port.ts';
import { onBothStores } from '../support/on-both-stores.ts';

onBothStores('the parcel row of a received message', (driven) => {
  it('a message is not delivered while its parcel row may still exist', async () => {
    const { create, send, bodies, another, spy } = driven();
    await create('q');
    await send('q', 'waits');
    const unanswered: Store = {
      ...spy.store,
      writeAll: async (writes) => writes.map(() => new StoreError('no answer', 'unknown')),
    };
    await expect(another(unanswered).call('receive', { queue: 'q' }, {})).rejects.toMatchObject({ code: 'unavailable' });
    expect(await bodies('q')).toEqual(['waits']);
  });

  it('the sweep removes a parcel row whose receiver died before it could', async () => {
    const { create, send, receive, sweep, rows, spy } = driven();
    await create('q');
    await send('q', 'overridden');
    spy.before = ({ method }) => {
      if (method === 'writeAll') throw new Error('the receiver died');
    };
    await expect(receive('q')).rejects.toThrow();
    spy.before = () => {};
    expect((await rows('messages')).length).toBe(1);
    await sweep();
    expect(await rows('messages')).toEqual([]);
  });

  it('a receive of the dead letter removes a parcel row whose receiver died before it could', async () => {
    const { create, send, receive, rows, spy, clock, engine } = driven();
    await create('dead');
    await create('q', { visibilityTimeoutSeconds: 10, deadLetter: { queue: 'dead', maxReceives: 1 } });
    const [id] = await send('q', 'overridden');
    spy.before = ({ method }) => {
      if (method === 'writeAll') throw new Error('the receiver died');
    };
    await expect(receive('q')).rejects.toThrow();
    // The next receiver moves the message, and dies before it removes the parcel row.
    clock.advance(11_000);
    await receive('q').catch(() => {});
    spy.before = () => {};
    expect(await engine.call('getMessage', { queue: 'q', id: id! }, {})).toMatchObject({ queue: 'dead', state: 'dead' });
    expect((await rows('messages')).length).toBe(1);
    expect((await receive('dead')).map(({ body }) => body)).toEqual(['overridden']);
    expect(await rows('messages')).toEqual([]);
  });
});
