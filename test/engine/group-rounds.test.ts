/** The store calls of a receive from many groups. */
import { expect, it } from 'vitest';
import { StoreError } from '../../engine/port/port.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';

const groups = 100;

onBothStores('a receive of a hundred messages of as many groups', (driven) => {
  const publishEach = async (count: number) => {
    const { create, publish } = driven();
    await create('q', { visibilityTimeoutSeconds: 60 });
    for (const turn of range(count)) {
      await publish('q', ...range(groups).map((group) => ({ body: [group, turn], group: `group-${group}` })));
    }
  };

  it('a receive of a hundred groups reads their first parcels together, without a query for each group', async () => {
    const { spy, receive } = driven();
    await publishEach(1);
    spy.takeCounts();
    expect(await receive('q')).toHaveLength(groups);
    const { ranges, gets, puts, removals } = spy.takeCounts();
    expect({ ranges, gets: gets <= 3, puts, removals }).toEqual({ ranges: 2, gets: true, puts: groups, removals: groups });
  });

  it('a receive of a hundred groups costs as little when the groups have been idle', async () => {
    const { spy, receive, ack, publish } = driven();
    await publishEach(1);
    expect(await ack('q', await receive('q'))).toEqual(range(groups).map(() => ({ ok: true })));
    await publish('q', ...range(groups).map((group) => ({ body: 'again', group: `group-${group}` })));
    spy.takeCounts();
    expect(await receive('q')).toHaveLength(groups);
    expect(spy.takeCounts()).toMatchObject({ ranges: 2, puts: groups, removals: groups });
  });

  it('a receive of a hundred groups claims them in a few parallel rounds when more waits in each group', async () => {
    const { spy, receive, ack } = driven();
    await publishEach(3);
    let running = 0;
    let most = 0;
    const received: number[][] = [];
    for (const turn of range(3)) {
      most = 0;
      spy.before = async ({ method }) => {
        if (method !== 'write') return;
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
      };
      const messages = await receive('q');
      spy.before = () => undefined;
      expect(messages).toHaveLength(groups);
      received.push(...messages.map(({ body }) => body as number[]));
      await ack('q', messages);
      if (turn > 0) continue;
      // Ten claims find out how many messages a group delivers; then many more run in parallel.
      expect(most).toBeGreaterThan(groups / 5);
    }
    const ofGroups = Map.groupBy(received, ([group]) => group);
    expect([...ofGroups.values()].map((bodies) => bodies.map(([, turn]) => turn))).toEqual(range(groups).map(() => range(3)));
  });

  it('a message cancelled while its receiver could not remove its parcel is not delivered', async () => {
    const { create, publish, receive, call, engine, spy } = driven();
    await create('q', { visibilityTimeoutSeconds: 60 });
    const [first] = await publish('q', { body: 'cancelled', group: 'a' });
    spy.before = ({ method }) => {
      if (method === 'writeAll') throw new StoreError('no answer', 'unknown');
    };
    expect(await receive('q').catch(() => [])).toEqual([]);
    spy.before = () => undefined;
    await engine.call('cancelMessage', { queue: 'q', id: first! }, { force: true });
    await call('publish', 'q', { messages: [{ body: 'next', group: 'a' }] });
    // A receive of one message takes the parcel that the row names, without a query.
    expect((await receive('q', { max: 1 })).map(({ body }) => body)).toEqual(['next']);
  });
});
