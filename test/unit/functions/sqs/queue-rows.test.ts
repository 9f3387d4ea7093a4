import { describe, expect, it } from 'vitest';
import { createEngine } from '../../../../engine/create.ts';
import { createMemoryStore } from '../../../../engine/memory/store.ts';
import { seededRandom } from '../../../../engine/port/random.ts';
import { createQueueRows } from '../../../../functions/sqs/queue-rows.ts';
import { createDrivenClock } from '../../../support/driven-clock.ts';
import { testSeed } from '../../../support/seed.ts';

function newRows() {
  const clock = createDrivenClock();
  const store = createMemoryStore({ now: clock.now });
  const engine = createEngine({ store, clock, random: seededRandom(testSeed) });
  return { engine, rows: createQueueRows({ store, clock }) };
}

describe('what SQS keeps of a queue', () => {
  it('does not count for a later queue of the same name, even if the process that deleted the queue left the row', async () => {
    const { engine, rows } = newRows();
    await engine.call('createQueue', { queue: 'again' }, {});
    await rows.change('again', ({ extras }) => ({ ...extras, tags: { of: 'the first' } }));
    expect((await rows.read('again')).extras.tags).toEqual({ of: 'the first' });
    await engine.call('deleteQueue', { queue: 'again' }, {});
    expect(await rows.find('again')).toBeUndefined();
    await engine.call('createQueue', { queue: 'again' }, {});
    expect(await rows.read('again')).toMatchObject({ isStored: false, extras: { attributes: {}, tags: {}, moves: [] } });
    await rows.change('again', ({ extras }) => ({ ...extras, tags: { of: 'the second' } }));
    expect((await rows.read('again')).extras.tags).toEqual({ of: 'the second' });
  });

  it('keeps both of two changes at the same time', async () => {
    const { engine, rows } = newRows();
    await engine.call('createQueue', { queue: 'both' }, {});
    const tag = (name: string) => rows.change('both', ({ extras }) => ({ ...extras, tags: { ...extras.tags, [name]: 'x' } }));
    await Promise.all(['a', 'b', 'c'].map(tag));
    expect(Object.keys((await rows.read('both')).extras.tags).sort()).toEqual(['a', 'b', 'c']);
  });
});
