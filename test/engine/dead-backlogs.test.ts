/** What a receive reads when a long list of dead messages lies before the living ones. */
import { expect, it } from 'vitest';
import { onBothStores } from '../support/on-both-stores.ts';

const dead = 600;
const range = (count: number) => Array.from({ length: count }, (_, index) => index);

onBothStores('a receive behind a long list of dead messages', (driven) => {
  async function backlog(entry: (index: number) => object = () => ({})): Promise<void> {
    const { publish } = driven();
    for (const index of range(dead)) await publish('q', { body: 'dead', ...entry(index) });
    driven().clock.advance(10_000);
  }

  /** What one receive gives, and how many rows it reads. */
  async function received(): Promise<{ bodies: unknown[]; rowsRead: number }> {
    const fresh = driven().another();
    await fresh.call('peek', { queue: 'q' }, { limit: 1 });
    driven().watched.takeRows();
    const { messages } = await fresh.call('receive', { queue: 'q' }, {});
    return { bodies: messages.map(({ body }) => body), rowsRead: driven().watched.takeRows() };
  }

  it.each([
    ['nobody has received', () => ({})],
    ['have their own ids', (index: number) => ({ id: `own-${index}` })],
  ])('finds at once what was published after a purge, of messages that %s', async (_what, entry) => {
    const { create, publish, call } = driven();
    await create('q');
    await backlog(entry);
    await call('purge', 'q');
    await publish('q', { body: 'living', ...entry(dead) });
    const { bodies, rowsRead } = await received();
    expect(bodies).toEqual(['living']);
    expect(rowsRead).toBeLessThanOrEqual(4);
  });

  it('finds at once what is younger than the retention', async () => {
    const { create, send, clock } = driven();
    await create('q', { retentionSeconds: 60 });
    await backlog();
    clock.advance(60_000);
    await send('q', 'living');
    const { bodies, rowsRead } = await received();
    expect(bodies).toEqual(['living']);
    expect(rowsRead).toBeLessThanOrEqual(4);
  });

  it('gives what was published under a longer retention than the queue has now before what came after it', async () => {
    const { create, send, call, clock } = driven();
    await create('q', { retentionSeconds: 3600 });
    await send('q', 'long');
    await call('updateQueue', 'q', { retentionSeconds: 60 });
    clock.advance(600_000);
    await send('q', 'short');
    expect((await received()).bodies).toEqual(['long']);
  });
});
