/** The console on a server with 5,000 queues and a queue of 100,000 messages, and on one that is killed and comes back. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startLocal } from '../../functions/local/server.ts';
import { adminKey, httpCalls, type LocalQueue, loggedDefects, startLocalQueue } from '../support/local-queue.ts';
import { expectCount, expectText, useBrowser } from './browser.ts';

const queues = 5_000;
const messages = 100_000;
const atOnce = 20;

const browser = useBrowser();
let queue: LocalQueue;

beforeAll(async () => {
  queue = await startLocalQueue();
  const { http } = queue;
  const left = Array.from({ length: queues - 2 }, (_, index) => `tenant${index % 50}-queue${String(index).padStart(4, '0')}`);
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let name = left.pop(); name !== undefined; name = left.pop()) await http.call('createQueue', { queue: name });
    }),
  );
  for (const name of ['large', '_scratch']) await http.call('createQueue', { queue: name });
  const batches = Array.from({ length: messages / 100 }, (_, batch) => batch);
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let batch = batches.pop(); batch !== undefined; batch = batches.pop()) {
        const entries = Array.from({ length: 100 }, (_, index) => ({ body: { number: batch! * 100 + index } }));
        await http.call('publish', { queue: 'large' }, { messages: entries });
      }
    }),
  );
});
afterAll(async () => {
  await queue.server.close();
  expect(queue.defects).toEqual([]);
});

it('of 5,000 queues a page shows the first fifty, more on demand, and those of a prefix at once', async () => {
  const { page, requests } = await browser.open(queue.server.url);
  await expectCount(page, 'tbody tr', 50);
  expect(requests.length).toBeLessThanOrEqual(10);
  await page.getByRole('button', { name: 'Show more queues' }).click();
  await expectCount(page, 'tbody tr', 100);
  await page.getByLabel('Beginning of the name').fill('tenant7-');
  await expectCount(page, 'tbody tr', 50);
});

it('of 5,000 queues, sums by prefix add up all, and a problem is found in the last one', async () => {
  const last = 'tenant9-queue4959';
  await queue.http.call('updateQueue', { queue: last }, { paused: true });
  const { page } = await browser.open(queue.server.url);
  await page.getByLabel('Sums by prefix').check();
  await page.getByRole('row', { name: /^tenant7- 100 0 / }).waitFor();
  await page.getByRole('row', { name: /^tenant9- 100 1 / }).waitFor();
  await page.getByRole('row', { name: /^_scratch 1 0 / }).waitFor();
  await page.getByLabel('Only problems').check();
  await page.getByRole('row', { name: `${last} paused` }).waitFor();
  await expectText(page, /^Queues with problems: [12] of 5,000$/);
});

it('of 100,000 messages a page shows the first, and a search for a text finds one while it says how far it is', async () => {
  const { page, visit } = await browser.open(queue.server.url, { path: '/queues/large/messages' });
  await expectText(page, /^100 shown, 100 examined/);
  await page.getByRole('button', { name: 'Show more messages' }).click();
  await expectText(page, /^200 shown, 200 examined/);
  await visit(`/queues/large/messages?text=${encodeURIComponent('"number":77777}')}`);
  await expectText(page, /0 shown, [\d,]+ examined…/);
  await page.getByRole('row', { name: /77777/ }).waitFor({ timeout: 100_000 });
});

it('a body of a megabyte is shown without freezing the page', async () => {
  await queue.http.call('createQueue', { queue: 'huge' });
  const body = { text: 'x'.repeat(1_000_000) };
  await queue.http.call('publish', { queue: 'huge' }, { messages: [{ id: 'huge', body }] });
  const { page } = await browser.open(queue.server.url, { path: '/queues/huge/messages/huge' });
  await page.getByRole('button', { name: /^Show all 1,000,011 characters/ }).click();
  await expect.poll(async () => (await page.locator('.json pre').first().textContent())!.length).toBe(1_000_011);
});

it('while the server is down the page says so, and it goes on when the server is back', async () => {
  const { log } = loggedDefects();
  const first = await startLocal({ data: 'memory', log, adminKey });
  const port = Number(new URL(first.url).port);
  await httpCalls(first.url, adminKey).call('createQueue', { queue: 'before' });
  const { page } = await browser.open(first.url);
  await page.getByRole('link', { name: 'before' }).waitFor();
  await first.close();
  await expectText(page, /No answer from/);
  const second = await startLocal({ data: 'memory', log, adminKey, port });
  await httpCalls(second.url, adminKey).call('createQueue', { queue: 'afterwards' });
  await page.getByRole('link', { name: 'afterwards' }).waitFor();
  expect(await page.getByText(/No answer from/).count()).toBe(0);
  await second.close();
});
