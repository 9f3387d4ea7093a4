/** Receives of one process that are made at the same time do not conflict. */
import { expect, it } from 'vitest';
import { onBothStores } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';

const receives = 8;

onBothStores('receives of one process', (driven) => {
  it.each([
    1, 10,
  ])('receives of up to %d messages made together claim all that they ask for, and no write of theirs is refused', async (max) => {
    const { create, send, call, spy } = driven();
    await create('q');
    for (const body of range(receives * max)) await send('q', body);
    await call('peek', 'q', { limit: 1 });
    spy.takeCounts();
    spy.takeRowsRead();
    const answers = await Promise.all(range(receives).map(() => call('receive', 'q', { max })));
    const ids = answers.flatMap(({ messages }) => messages.map(({ id }) => id));
    expect(new Set(ids).size).toBe(receives * max);
    expect(spy.takeCounts()).toMatchObject({ puts: receives * max, refused: 0, ranges: 2 * receives });
    // Each reads the rows that it needs, and those that the receives before it need.
    expect(spy.takeRowsRead()).toBe(max * range(receives + 1).reduce((sum, before) => sum + before));
  });
});
