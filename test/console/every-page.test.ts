/** What holds for every page of the console: accessibility, narrow screens, the search, and updates. */
import axe from 'axe-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LocalQueue } from '../support/local-queue.ts';
import { useBrowser } from './browser.ts';
import { letDie, publish, startSmallDeployment } from './small-deployment.ts';

const browser = useBrowser();
let queue: LocalQueue;

beforeAll(async () => {
  queue = await startSmallDeployment();
  await letDie(queue, 'dead-1', 'dead-2');
  await publish(queue, 'orders', 'waiting');
});
afterAll(async () => {
  await queue.server.close();
  expect(queue.defects).toEqual([]);
});

const pages = [
  '/',
  '/?view=sums',
  '/?view=problems',
  '/queues/orders',
  '/queues/orders/messages',
  '/queues/orders/publish',
  '/queues/orders-dead/redrive',
  '/queues/orders/settings',
  '/topics',
  '/topics/events',
  '/schedules',
  '/keys',
  '/audit',
];

it.each(['light', 'dark'] as const)('axe finds nothing serious on any page, in %s colors', async (colorScheme) => {
  const { page, visit, problems } = await browser.open(queue.server.url, { colorScheme });
  for (const path of pages) {
    await visit(path);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.waitForLoadState('networkidle');
    // Evaluated by the driver: the page's policy would refuse a script element.
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run());
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    expect(serious.map(({ id, nodes }) => `${path}: ${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`)).toEqual(
      [],
    );
  }
  expect(problems).toEqual([]);
});

it('at a width of 375 pixels no page scrolls sideways', async () => {
  const { page, visit } = await browser.open(queue.server.url, { viewport: { width: 375, height: 700 } });
  for (const path of pages) {
    await visit(path);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.waitForLoadState('networkidle');
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width, path).toBeLessThanOrEqual(375);
  }
});

it('a slash and Ctrl-K open the search, which leads to a queue', async () => {
  const { page } = await browser.open(queue.server.url);
  await page.getByRole('heading', { name: 'Queues' }).waitFor();
  await page.keyboard.press('/');
  await page.getByLabel('Queue or page').fill('orders-');
  await page.getByRole('dialog').getByRole('button', { name: 'orders-dead' }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'orders-dead' }).waitFor();
  await page.keyboard.press('ControlOrMeta+k');
  await page.getByLabel('Queue or page').waitFor();
});

it('a hidden tab asks for news every half minute, and a tab that is shown again asks at once', async () => {
  const { page, visit, requests } = await browser.open(queue.server.url);
  await page.clock.install();
  const hide = (isHidden: boolean) =>
    page.evaluate((hidden) => {
      Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, isHidden);
  const reads = () => requests.filter((url) => url.endsWith('/v1/queues/mails')).length;
  const readAgain = async (stepMs: number) => {
    const before = reads();
    const answer = page.waitForResponse(/\/v1\/queues\/mails$/);
    await expect.poll(() => page.clock.runFor(stepMs).then(reads)).toBeGreaterThan(before);
    await (await answer).finished();
  };
  await visit('/queues/mails');
  await expect.poll(reads).toBe(1);
  await readAgain(1_000);
  await hide(true);
  // One that was planned while the tab was visible, at most.
  await readAgain(1_000);
  const before = reads();
  for (let second = 0; second < 20; second++) await page.clock.runFor(1_000);
  expect(reads()).toBe(before);
  await readAgain(1_000);
  await hide(false);
  await readAgain(10);
});

it('updates pause and resume by a button', async () => {
  const { page } = await browser.open(queue.server.url, { path: '/queues/mails' });
  await page.getByRole('heading', { name: 'mails' }).waitFor();
  await page.getByRole('button', { name: 'Pause updates' }).click();
  await page.getByRole('button', { name: 'Resume updates' }).click();
  await publish(queue, 'mails', 'after-the-pause');
  const { counts } = await queue.http.call('getQueue', { queue: 'mails' });
  await page
    .locator('.tiles dd', { hasText: new RegExp(`^${counts.ready}$`) })
    .first()
    .waitFor();
});
