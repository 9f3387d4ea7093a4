/** What the console says of changes, and how it takes them back. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { environmentOf } from '../../contract/environment.ts';
import { eventually } from '../support/eventually.ts';
import { type LocalQueue, startLocalQueue } from '../support/local-queue.ts';
import { expectText, useBrowser } from './browser.ts';

const browser = useBrowser();
let queue: LocalQueue;

beforeAll(async () => {
  queue = await startLocalQueue({ environment: environmentOf('production') });
  await queue.http.call('createQueue', { queue: 'orders' });
  await queue.http.call('createQueue', { queue: 'mails' });
});
afterAll(async () => {
  await queue.server.close();
  expect(queue.defects).toEqual([]);
});

it('the audit page lists which key did what, by queue, and shows earlier changes on demand', async () => {
  const { key, id } = await queue.http.call('createKey', {}, { name: 'on call', queues: ['*'], scopes: ['admin'] });
  const { call } = queue.http.as(key);
  for (let seconds = 1; seconds <= 60; seconds++) await call('updateQueue', { queue: 'orders' }, { delaySeconds: seconds });
  const { page } = await browser.open(queue.server.url, { path: '/audit' });
  await page.getByRole('row', { name: new RegExp(`on call \\(${id}\\) updateQueue orders delaySeconds: 60`) }).waitFor();
  await page.getByLabel('Queue', { exact: true }).fill('mails');
  await page.getByLabel('Queue', { exact: true }).press('Enter');
  await page.getByRole('row', { name: /admin createQueue mails/ }).waitFor();
  expect(await page.getByRole('row', { name: /orders/ }).count()).toBe(0);
  await page.getByLabel('Queue', { exact: true }).fill('orders');
  await page.getByLabel('Queue', { exact: true }).press('Enter');
  await page.getByRole('button', { name: 'Show earlier changes' }).click();
  await page.getByRole('row', { name: /admin createQueue orders/ }).waitFor();
});

it('a new key is copied from its dialog where the browser offers no clipboard, as over plain HTTP', async () => {
  const { page, context } = await browser.open(queue.server.url);
  await context.addInitScript(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
  await page.goto(`${queue.server.url}/console/keys`);
  await page.getByLabel('Name', { exact: true }).fill('copied');
  await page.getByLabel('Queues, separated by commas').fill('mails');
  await page.getByLabel('publish').check();
  await page.getByLabel('Topics, separated by commas').fill('events, news-*');
  await page.getByLabel('Expires').fill('2099-01-31T12:00');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  const key = (await page.getByRole('dialog').locator('pre').textContent())!;
  expect(await queue.http.as(key).call('getOwnKey', {})).toMatchObject({
    topics: ['events', 'news-*'],
    expiresAt: expect.stringMatching(/^2099-0[12]/),
  });
  await page.getByRole('button', { name: 'Copy' }).click();
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByLabel('Name', { exact: true }).fill('');
  await page.getByLabel('Name', { exact: true }).press('ControlOrMeta+v');
  expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe(key);
});

it('a schedule says in words when it ticks, and lists its next ticks in its own zone and here', async () => {
  await queue.http.call('putSchedule', { name: 'weekly' }, { queue: 'mails', cron: '30 3 * * 1', message: { body: 'go' } });
  const { page } = await browser.open(queue.server.url, { path: '/schedules' });
  await expectText(page, '(At 03:30, only on Monday)');
  await page.getByText('Next ticks').click();
  const ticks = page.getByRole('list', { name: 'Next ticks of weekly' }).getByRole('listitem');
  await ticks.nth(4).waitFor();
  for (const text of await ticks.allTextContents()) expect(text).toMatch(/\(.*3:30:00.*UTC\)$/);
});

it('a pause and a change of settings are undone from their notice, unless the queue was changed meanwhile', async () => {
  const of = { queue: 'mails' };
  const { page } = await browser.open(queue.server.url, { path: '/queues/mails/settings' });
  const undo = page.getByRole('button', { name: 'Undo' });
  await page.getByRole('button', { name: 'Pause', exact: true }).click();
  await expectText(page, 'Paused mails.');
  expect((await queue.http.call('getQueue', of)).paused).toBe(true);
  await undo.click();
  await expectText(page, 'Undone.');
  expect((await queue.http.call('getQueue', of)).paused).toBe(false);
  await page.getByLabel('delaySeconds').fill('5');
  await page.getByRole('button', { name: 'Save settings' }).click();
  await undo.click();
  await expect.poll(() => page.getByLabel('delaySeconds').inputValue()).toBe('0');
  await page.getByLabel('delaySeconds').fill('7');
  await page.getByRole('button', { name: 'Save settings' }).click();
  await expectText(page, 'Changed: delaySeconds.');
  await queue.http.call('updateQueue', of, { delaySeconds: 8 });
  await undo.click();
  await expectText(page, 'Not undone: the queue was changed meanwhile.');
  expect((await queue.http.call('getQueue', of)).delaySeconds).toBe(8);
});

it('an edited and postponed message is set back from the notice', async () => {
  const of = { queue: 'orders', id: 'one' };
  await queue.http.send('POST', '/v1/queues/orders/publish', {
    body: '{"messages":[{"id":"one","delaySeconds":0,"body":{"total":12.500,"number":12345678901234567890}}]}',
  });
  const { page } = await browser.open(queue.server.url, { path: '/queues/orders/messages/one' });
  await page.getByRole('button', { name: /^Edit/ }).click();
  await page.getByLabel('Body, JSON').fill('{"total": 0}');
  await page.getByLabel(/^Postpone/).fill('600');
  await page.getByRole('button', { name: 'Change', exact: true }).click();
  await page.getByRole('button', { name: 'Undo' }).click();
  await expectText(page, 'Undone.');
  expect(await queue.http.call('getMessage', of)).toMatchObject({ state: 'ready' });
  const response = await queue.http.send('GET', '/v1/queues/orders/messages/one');
  expect(await response.text()).toContain('{"total":12.500,"number":12345678901234567890}');
});

it('the name of the deployment is on each page and in its title, in red for production', async () => {
  const { page } = await browser.open(queue.server.url, { path: '/topics' });
  const badge = page.getByRole('navigation', { name: 'Pages' }).getByText('production');
  expect(await badge.evaluate((element) => getComputedStyle(element).backgroundColor)).toBe('rgb(183, 28, 28)');
  expect(await page.title()).toBe('production – Dumbwaiter');
});

it('hidden bodies stay hidden on the page of a message until they are asked for', async () => {
  await queue.http.call('publish', { queue: 'orders' }, { messages: [{ id: 'private', body: { iban: 'DE02' } }] });
  const { page, visit } = await browser.open(queue.server.url, { path: '/queues/orders/messages' });
  await page.getByLabel('Hide bodies').check();
  await visit('/queues/orders/messages/private');
  const show = page.getByRole('button', { name: 'Show the body' });
  await show.waitFor();
  expect(await page.getByText('DE02').count()).toBe(0);
  await show.click();
  await expectText(page, /DE02/);
});

it('a target that is paused is resumed from the notice, with its terms', async () => {
  const of = { queue: 'orders', target: 'hook' };
  const terms = { url: 'http://127.0.0.1:9/hook', timeoutSeconds: 7, maxConcurrency: 2 };
  await queue.http.call('putTarget', of, terms);
  const { page } = await browser.open(queue.server.url, { path: '/queues/orders/targets' });
  await page.getByRole('button', { name: 'Pause', exact: true }).click();
  await expectText(page, 'Paused hook.');
  expect((await queue.http.call('getTarget', of)).state).toBe('paused');
  await page.getByRole('button', { name: 'Undo' }).click();
  await expectText(page, 'Undone.');
  const { state, ...rest } = await queue.http.call('getTarget', of);
  expect(rest).toMatchObject(terms);
  expect(state).not.toBe('paused');
});

it('a chart on the page is drawn in the colors of the theme when the user or the system changes it', async () => {
  const { page } = await browser.open(queue.server.url, { path: '/queues/mails' });
  const canvas = page.getByRole('img', { name: /^Messages by state/ }).locator('canvas');
  /** The color that the theme gives to grid lines, once the chart has a pixel of it. */
  const drawn = () =>
    eventually(() =>
      canvas.evaluate((element: HTMLCanvasElement) => {
        const pixels = (of: CanvasRenderingContext2D) => of.getImageData(0, 0, of.canvas.width, of.canvas.height).data;
        const pen = document.createElement('canvas').getContext('2d')!;
        pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('--pico-muted-border-color');
        pen.fillRect(0, 0, 1, 1);
        const wanted = [...pixels(pen).slice(0, 4)];
        const all = pixels(element.getContext('2d')!);
        const starts = Array.from({ length: all.length / 4 }, (_, index) => index * 4);
        return starts.some((at) => wanted.every((part, index) => all[at + index] === part)) && wanted.join();
      }),
    );
  const light = await drawn();
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await drawn();
  expect(dark).not.toBe(light);
  await page.getByRole('button', { name: 'Theme' }).click();
  expect(await drawn()).toBe(light);
});
