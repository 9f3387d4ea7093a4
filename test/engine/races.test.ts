/** Dead-lettering at the same time as another call on the message. */
import { expect, it } from 'vitest';
import type { Row, Store } from '../../engine/port/port.ts';
import { onEveryStore } from '../support/on-both-stores.ts';

onEveryStore('a message that is dead-lettered meanwhile', (driven) => {
  async function queues() {
    await driven().create('dead');
    await driven().create('q', { deadLetter: { queue: 'dead', maxReceives: 1 }, visibilityTimeoutSeconds: 10 });
  }

  it('a message acked after it was found used up and before it was moved stays done', async () => {
    await queues();
    const { call, send, receive, another, clock, spy } = driven();
    await send('q', 'done in time');
    const receipts = (await receive('q')).map(({ receipt }) => receipt);
    clock.advance(10_000);
    const holder = another();
    const answers: unknown[] = [];
    spy.before = async ({ method, keys }) => {
      const isDeciding = method === 'get' && keys.some((key) => key.table === 'queues' && key.name === 'dead');
      if (isDeciding && answers.length === 0) answers.push(await holder.call('ack', { queue: 'q' }, { receipts }));
    };
    expect(await receive('q')).toEqual([]);
    expect(answers).toEqual([{ results: [{ ok: true }] }]);
    expect((await call('peek', 'dead')).messages).toEqual([]);
    expect(await receive('dead')).toEqual([]);
  });

  it('getMessage finds a message while it leaves its parcel, in whatever order the rows are read', async () => {
    const { send, receive, sweep, clock, spy, another } = driven();
    await queues();
    const [id] = await send('q', 'leaves', 'stays');
    await receive('q', { max: 1 });
    clock.advance(10_000);
    let hasLeft = false;
    const backwards: Store = {
      ...spy.store,
      async get(keys) {
        const rows: (Row | undefined)[] = [];
        for (const key of keys.toReversed()) {
          rows.unshift(...(await spy.store.get([key])));
          const isHalfway = key.table === 'leases' && keys.length > 1 && !hasLeft;
          if (!isHalfway) continue;
          hasLeft = true;
          await sweep();
        }
        return rows;
      },
    };
    const found = await another(backwards).call('getMessage', { queue: 'q', id: id! }, {});
    expect(hasLeft).toBe(true);
    expect(found).toMatchObject({ id, body: 'leaves' });
  });
});
