/** The pictures of the guide. `UPDATE_SCREENSHOTS=1` writes them to `docs/images/`; otherwise they go to a folder that is removed. */
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalQueue, startLocalQueue } from '../support/local-queue.ts';
import { expectText, useBrowser } from './browser.ts';

const browser = useBrowser();
let queue: LocalQueue;
let folder: string;

beforeAll(async () => {
  const isUpdate = process.env.UPDATE_SCREENSHOTS === '1';
  folder = isUpdate ? join(import.meta.dirname, '../../docs/images') : await mkdtemp(join(tmpdir(), 'screenshots-'));
  await mkdir(folder, { recursive: true });
  queue = await startLocalQueue();
  const { http } = queue;
  for (const name of ['invoices', 'mails', 'orders-dead', 'thumbnails']) await http.call('createQueue', { queue: name });
  await http.call('createQueue', { queue: 'orders' }, { deadLetter: { queue: 'orders-dead', maxReceives: 3 } });
  const orders = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ body: { order: 4711 + index, total: '12.50' } }));
  await http.call('publish', { queue: 'orders' }, { messages: orders(12) });
  await http.call('publish', { queue: 'mails' }, { messages: orders(40) });
  const { messages } = await http.call('receive', { queue: 'orders' }, { max: 6 });
  const receipts = messages.map(({ receipt }) => receipt);
  await http.call('release', { queue: 'orders' }, { receipts: receipts.slice(0, 2), failed: 'no stock', deadLetter: true });
});
afterAll(async () => {
  await queue.server.close();
  if (process.env.UPDATE_SCREENSHOTS !== '1') await rm(folder, { recursive: true });
});

it('pictures of the list of queues and of one queue are taken', async () => {
  const { page, visit } = await browser.open(queue.server.url, { viewport: { width: 1100, height: 620 } });
  const take = async (name: string) => {
    const path = join(folder, `${name}.png`);
    await page.screenshot({ path });
    expect((await stat(path)).size, name).toBeGreaterThan(10_000);
  };
  await expectText(page, '2 dead');
  await take('console-queues');
  await visit('/queues/orders/messages');
  await expectText(page, '10 shown, 10 examined');
  await take('console-queue');
});
