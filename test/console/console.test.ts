/** The pages and actions of the console, on a server with a few queues. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLocal } from '../../functions/local/server.ts';
import { eventually } from '../support/eventually.ts';
import { adminKey, expectProblem, httpCalls, type LocalQueue, loggedDefects } from '../support/local-queue.ts';
import { expectText, useBrowser } from './browser.ts';
import { letDie, publish, startSmallDeployment } from './small-deployment.ts';

const browser = useBrowser();
let queue: LocalQueue;

beforeAll(async () => {
  queue = await startSmallDeployment();
});
afterAll(async () => {
  await queue.server.close();
  expect(queue.defects).toEqual([]);
});

describe('signing in', () => {
  it('a wrong key is refused on the page, and a right one opens the queues', async () => {
    const { page, problems } = await browser.open(queue.server.url);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('API key').fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel('API key').fill(adminKey);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('link', { name: 'orders', exact: true }).waitFor();
    expect(problems).toEqual([]);
  });

  it('the first view takes at most ten requests, all to its own server', async () => {
    const { page, requests } = await browser.open(queue.server.url);
    await page.getByRole('link', { name: 'orders', exact: true }).waitFor();
    expect(requests.length).toBeGreaterThan(3);
    expect(requests.length).toBeLessThanOrEqual(10);
    expect(requests.filter((url) => !url.startsWith(queue.server.url))).toEqual([]);
  });

  it('the page may run its own script only, and load nothing from another host', async () => {
    const response = await fetch(`${queue.server.url}/console/`);
    const policy = response.headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain('unsafe');
  });

  it('a browser keeps the script and the style sheet, which the page names by their content, and asks for the page each time', async () => {
    const page = await fetch(`${queue.server.url}/console/`);
    expect(page.headers.get('cache-control')).toBe('no-store');
    const [, script, hash] = /src="((?:console\.js)\?of=([\w-]{16}))"/.exec(await page.text())!;
    const cached = await fetch(`${queue.server.url}/console/${script}`);
    expect(cached.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(cached.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    const other = await fetch(`${queue.server.url}/console/${script!.replace(hash!, 'another-version-')}`);
    expect(other.headers.get('cache-control')).toBe('no-store');
  });

  it('behind a path prefix, the page finds its files and the API under that prefix', async () => {
    const response = await fetch(`${queue.server.url}/console/queues/orders`, { headers: { 'x-forwarded-prefix': '/stage' } });
    expect(await response.text()).toContain('<base href="/stage/console/"');
  });

  it('a key that is revoked while it is signed in leads back to signing in, with the reason', async () => {
    const { key, id } = await queue.http.call('createKey', {}, { name: 'short', queues: ['*'], scopes: ['admin'] });
    const { page } = await browser.open(queue.server.url, { key });
    await queue.http.call('revokeKey', { id });
    await expectText(page, 'The key no longer works');
    await page.getByLabel('API key').waitFor();
  });

  it('a key that may only read sees its queues and their messages, and no button that changes them', async () => {
    const { key } = await queue.http.call('createKey', {}, { name: 'reader', queues: ['mails'], scopes: ['read'] });
    await expectProblem(await queue.http.as(key).send('POST', '/v1/queues/mails/receive', { body: {} }), 403, 'forbidden');
    const { page, visit } = await browser.open(queue.server.url, { key });
    await page.getByRole('link', { name: 'mails', exact: true }).waitFor();
    expect(await page.getByRole('link', { name: 'orders', exact: true }).count()).toBe(0);
    await publish(queue, 'mails', 'seen');
    await visit('/queues/mails/messages');
    await page.getByRole('link', { name: 'seen', exact: true }).waitFor();
    for (const path of ['/queues/mails/messages', '/queues/mails/settings', '/queues/mails/messages/seen']) {
      await visit(path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      const names = await page.getByRole('main').getByRole('button').allTextContents();
      expect(
        names.filter((name) => !['Read again', 'Raw', 'Copy', 'Show more messages'].includes(name)),
        path,
      ).toEqual([]);
    }
    for (const hidden of ['Publish', 'Redrive', 'Targets', 'Keys', 'Schedules']) {
      expect(await page.getByRole('link', { name: hidden }).count(), hidden).toBe(0);
    }
    for (const path of ['/schedules', '/keys', '/audit']) {
      await visit(path);
      await page.getByRole('heading', { name: 'Queues' }).waitFor();
    }
    await page.keyboard.press('/');
    await page.getByLabel('Queue or page').fill('k');
    await page.getByRole('dialog').getByRole('button', { name: 'mails' }).waitFor({ state: 'detached' });
    expect(await page.getByRole('dialog').getByRole('button', { name: 'Keys' }).count()).toBe(0);
  });
});

describe('a message', () => {
  it('a message shows what happened to it, and its numbers digit by digit', async () => {
    const response = await queue.http.send('POST', '/v1/queues/mails/publish', {
      body: '{"messages":[{"id":"digits","body":{"id":1970670598291982290,"rate":1.10}}]}',
    });
    expect(response.status).toBe(200);
    const { page } = await browser.open(queue.server.url, { path: '/queues/mails/messages/digits' });
    await expectText(page, '1970670598291982290');
    await expectText(page, '1.10');
    await expectText(page, /ago published/);
  });

  it('a message that waits is edited, postponed and cancelled', async () => {
    await publish(queue, 'mails', 'edited');
    const { page, visit } = await browser.open(queue.server.url, { path: '/queues/mails/messages/edited' });
    await page.getByRole('button', { name: /^Edit/ }).click();
    await page.getByLabel('Body, JSON').fill('{"changed": 12345678901234567890}');
    await page.getByLabel(/^Postpone/).fill('600');
    await page.getByRole('button', { name: 'Change', exact: true }).click();
    await expectText(page, '12345678901234567890');
    expect(await queue.http.call('getMessage', { queue: 'mails', id: 'edited' })).toMatchObject({ state: 'delayed' });
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    await page.getByRole('button', { name: 'Cancel it' }).click();
    await eventually(async () => {
      const { status } = await queue.http.send('GET', '/v1/queues/mails/messages/edited');
      return status === 404 ? true : undefined;
    });
    await visit('/queues/mails');
  });

  it('a change that the queue refuses shows its reason in the dialog, and changes nothing', async () => {
    await publish(queue, 'mails', 'refused');
    const { page } = await browser.open(queue.server.url, { path: '/queues/mails/messages/refused' });
    await page.getByRole('button', { name: /^Edit/ }).click();
    await page.getByLabel('Priority').fill('7');
    await page.getByRole('button', { name: 'Change', exact: true }).click();
    await expectText(page, /priority/);
    expect(await queue.http.call('getMessage', { queue: 'mails', id: 'refused' })).toMatchObject({ state: 'ready' });
  });

  it('a leased message shows what happened to it, and is released, so that it can be received again', async () => {
    await queue.http.call('createQueue', { queue: 'released' }, { backoff: null });
    await publish(queue, 'released', 'held');
    const receive = async () => (await queue.http.call('receive', { queue: 'released' })).messages;
    const receipts = (await receive()).map(({ receipt }) => receipt);
    await queue.http.call('release', { queue: 'released' }, { receipts, failed: 'no paper' });
    const messages = await receive();
    const { page } = await browser.open(queue.server.url, { path: '/queues/released/messages/held' });
    const happened =
      /published.*received for the first time.*last failure: no paper.*received 2 times.*leased: if it is not acked.*setting keep record each lease/s;
    await expectText(page, happened);
    await page.getByRole('button', { name: 'Release', exact: true }).click();
    await page.getByRole('button', { name: 'Release it' }).click();
    await expectText(page, /ready/);
    expect(await queue.http.call('ack', { queue: 'released' }, { receipts: [messages[0]!.receipt] })).toMatchObject({
      results: [{ ok: false, code: 'lease_lost' }],
    });
  });

  it('a message of a queue that keeps messages shows each lease with its outcome', async () => {
    const keep = { doneSeconds: 60, deadSeconds: 60 };
    await queue.http.call('createQueue', { queue: 'recorded' }, { backoff: null, keep });
    await publish(queue, 'recorded', 'held');
    const receive = async () => (await queue.http.call('receive', { queue: 'recorded' })).messages.map(({ receipt }) => receipt);
    await queue.http.call('release', { queue: 'recorded' }, { receipts: await receive(), failed: 'no paper' });
    await queue.http.call('release', { queue: 'recorded' }, { receipts: await receive() });
    const receipts = await receive();
    await queue.http.call('extend', { queue: 'recorded' }, { receipts, progress: 0.4 });
    const { page } = await browser.open(queue.server.url, { path: '/queues/recorded/messages/held' });
    const happened = /published.*received, held for [^ ]+ s, failed: no paper.*received, held for [^ ]+ s, released.*/s;
    await expectText(page, new RegExp(`${happened.source}received, 40 % done, running`, 's'));
    await queue.http.call('ack', { queue: 'recorded' }, { receipts });
    await expectText(page, new RegExp(`${happened.source}received, held for [^ ]+ s, 40 % done, acked`, 's'));
    expect(await page.getByText('record each lease').count()).toBe(0);
  });

  it('a leased message is ended by force', async () => {
    await queue.http.call('createQueue', { queue: 'forced' });
    await publish(queue, 'forced', 'held');
    expect((await queue.http.call('receive', { queue: 'forced' })).messages).toHaveLength(1);
    const { page } = await browser.open(queue.server.url, { path: '/queues/forced/messages/held' });
    await page.getByRole('button', { name: 'End by force' }).click();
    await page.getByRole('button', { name: 'End it' }).click();
    await eventually(async () =>
      (await queue.http.send('GET', '/v1/queues/forced/messages/held')).status === 404 ? true : undefined,
    );
  });
});

describe('a queue', () => {
  it('the address of the page keeps the filters, and only matching messages are shown', async () => {
    await queue.http.call('createQueue', { queue: 'filtered' });
    for (let index = 0; index < 12; index++)
      await publish(queue, 'filtered', `m-${index}`, { color: index % 2 === 0 ? 'red' : 'blue' });
    const { page } = await browser.open(queue.server.url, { path: '/queues/filtered/messages?text=blue' });
    await expectText(page, '6 shown, 12 examined');
    await page.getByLabel('Id begins with').fill('m-1');
    await page.getByLabel('Id begins with').blur();
    // The server reads only the messages whose ids begin so: m-1, m-10 and m-11.
    await expectText(page, '2 shown, 3 examined');
    expect(page.url()).toContain('id=m-1');
    await page.getByLabel('Attribute, name=value').fill('kind=a');
    await page.getByLabel('Attribute, name=value').blur();
    await page.getByLabel('And attribute').fill('kind=b');
    await page.getByLabel('And attribute').first().blur();
    await expectText(page, '0 shown, 3 examined');
    expect(new URL(page.url()).searchParams.getAll('attribute')).toEqual(['kind=a', 'kind=b']);
    await page.reload();
    await page.getByLabel('And attribute').first().fill('');
    await page.getByLabel('And attribute').first().blur();
    await expectText(page, '2 shown, 3 examined');
    expect(new URL(page.url()).searchParams.getAll('attribute')).toEqual(['kind=a']);
    await page.getByLabel('Arrived from').fill('2999-01-31T00:00');
    await page.getByLabel('Arrived from').blur();
    await expectText(page, '0 shown, 0 examined');
    await page.getByLabel('Priority').fill('urgent');
    await page.getByLabel('Priority').blur();
    await expectText(page, 'priority: must be a whole number from 0 to 9');
  });

  it('selected messages are cancelled together, and all that match after the name is typed', async () => {
    await queue.http.call('createQueue', { queue: 'bulk' });
    for (let index = 0; index < 5; index++) await publish(queue, 'bulk', `b-${index}`);
    const { page } = await browser.open(queue.server.url, { path: '/queues/bulk/messages' });
    await page.getByLabel('Select b-1').check();
    await page.getByRole('button', { name: 'Cancel selected' }).click();
    await page.getByRole('button', { name: 'Cancel them' }).click();
    await expectText(page, '4 shown, 4 examined');
    await page.getByRole('button', { name: 'Cancel all that match' }).click();
    const button = page.getByRole('button', { name: 'Cancel them' });
    expect(await button.isDisabled()).toBe(true);
    // The dialog opens with the focus on its input.
    await page.keyboard.type('bulk');
    await button.click();
    await expectText(page, '0 shown, 0 examined');
    expect((await queue.http.call('getQueue', { queue: 'bulk' })).counts.ready).toBe(0);
  });

  it('a queue and a topic show what happened in them lately, once their processes have reported', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'console-'));
    const { log } = loggedDefects();
    // A server reports once a minute, and when it stops.
    const first = await startLocal({ data: { folder }, log, adminKey });
    await httpCalls(first.url, adminKey).call('createQueue', { queue: 'busy' });
    await httpCalls(first.url, adminKey).call('publish', { queue: 'busy' }, { messages: [{ body: 1 }] });
    await httpCalls(first.url, adminKey).call('receive', { queue: 'busy' }, {});
    await httpCalls(first.url, adminKey).call('createTopic', { topic: 'news' });
    await httpCalls(first.url, adminKey).call('publishToTopic', { topic: 'news' }, { messages: [{ body: 1 }] });
    await first.close();
    const second = await startLocal({ data: { folder }, log, adminKey });
    const { page } = await browser.open(second.url, { path: '/queues/busy' });
    await page.getByRole('region', { name: 'Charts' }).waitFor();
    await expectText(page, /^Messages in ten minutes/);
    await expectText(page, /^Messages that waited at the end of ten minutes/);
    await expectText(page, /^Failed, of 100 messages/);
    await expectText(page, /^Seconds from publish to receive/);
    await expectText(page, /^Seconds from receive to ack/);
    await expectText(page, 'in the last minutes');
    await page.getByRole('link', { name: 'Dumbwaiter' }).click();
    await page.getByRole('columnheader', { name: 'Acked, 1 h' }).waitFor();
    await page.getByRole('img', { name: 'Messages of busy published in the last hour' }).waitFor();
    const topics = page.getByRole('region', { name: 'Topics' });
    await topics.getByRole('img', { name: 'Messages to news unmatched in the last hour' }).waitFor();
    await topics.getByRole('link', { name: 'news' }).click();
    await page
      .getByRole('region', { name: 'Charts' })
      .getByRole('img', { name: /^Messages in ten minutes/ })
      .waitFor();
    await second.close();
    await rm(folder, { recursive: true });
  });

  it('a message is published from the form, and its form is kept as a template', async () => {
    const { page } = await browser.open(queue.server.url, { path: '/queues/mails/publish' });
    await page.getByLabel('Body, JSON').fill('{"to": "Ada"}');
    await page.getByLabel('Own id').fill('from-the-form');
    await page.getByLabel(/^Keep as a template/).fill('to Ada');
    await page.getByRole('button', { name: 'Publish' }).click();
    await expectText(page, 'Published from-the-form.');
    await page.getByLabel('Own id').fill('from-the-form');
    await page.getByRole('button', { name: 'Publish' }).click();
    await expectText(page, 'Nothing was published: from-the-form is taken.');
    await page.getByLabel(/^Template/).selectOption('to Ada');
    await expect.poll(() => page.getByLabel('Body, JSON').inputValue()).toBe('{"to": "Ada"}');
    await page.getByLabel('Body, JSON').fill('{not json');
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByRole('alert').waitFor();
  });

  it('a setting is changed in place, and a value out of bounds is refused with its limit', async () => {
    const { page } = await browser.open(queue.server.url, { path: '/queues/mails/settings' });
    await page.getByLabel('visibilityTimeoutSeconds').fill('-1');
    await page.getByRole('button', { name: 'Save settings' }).click();
    await expectText(page, /visibilityTimeoutSeconds: must be/);
    await page.getByLabel('visibilityTimeoutSeconds').fill('77');
    await page.getByRole('button', { name: 'Save settings' }).click();
    await expectText(page, 'Changed: visibilityTimeoutSeconds.');
    expect((await queue.http.call('getQueue', { queue: 'mails' })).visibilityTimeoutSeconds).toBe(77);
  });

  it('a queue is created, paused, resumed, purged and deleted', async () => {
    const { page } = await browser.open(queue.server.url);
    await page.getByRole('button', { name: 'Create a queue' }).click();
    await page.getByLabel('Name', { exact: true }).fill('brief');
    await page.getByRole('button', { name: 'Create', exact: true }).click();
    await page.getByRole('link', { name: 'brief', exact: true }).click();
    await publish(queue, 'brief', 'goes');
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await page.getByRole('button', { name: 'Resume', exact: true }).click();
    await page.getByRole('button', { name: 'Pause', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Purge' }).click();
    await page.getByLabel(/^Type brief/).fill('brief');
    await page.getByRole('dialog').getByRole('button', { name: 'Purge' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect((await queue.http.call('getQueue', { queue: 'brief' })).counts.ready).toBe(0);
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByLabel(/^Type brief/).fill('brief');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'Queues' }).waitFor();
    expect((await queue.http.send('GET', '/v1/queues/brief')).status).toBe(404);
  });

  it('dead letters are counted first, then moved back with the progress shown', async () => {
    await letDie(queue, 'd-1', 'd-2', 'd-3');
    const { page } = await browser.open(queue.server.url, { path: '/queues/orders-dead/redrive' });
    await page.getByRole('button', { name: 'Count' }).click();
    await expectText(page, '3 dead letters would be moved.');
    expect((await queue.http.call('getQueue', { queue: 'orders-dead' })).counts.dead).toBe(3);
    await page.getByLabel('Only count').uncheck();
    await page.getByRole('button', { name: 'Redrive' }).click();
    await expectText(page, 'Done: 3 moved, 0 skipped');
    expect((await queue.http.call('getQueue', { queue: 'orders' })).counts.ready).toBe(3);
  });

  it('all dead letters that match the filters are counted and moved back, and no other', async () => {
    await queue.http.call('purge', { queue: 'orders' });
    await letDie(queue, 'f-1', 'f-2', 'g-1');
    const { page } = await browser.open(queue.server.url, { path: '/queues/orders-dead/messages' });
    await page.getByLabel('Id begins with').fill('f-');
    // What is typed stays while the page reloads. When the second answer is there, the page shows the first.
    for (let answers = 0; answers < 2; answers++) await page.waitForResponse(/\/queues\/orders-dead$/);
    await page.getByLabel('Id begins with').blur();
    await expectText(page, '2 shown');
    await page.getByRole('link', { name: 'Redrive all that match' }).click();
    expect(await page.getByLabel('Id begins with').inputValue()).toBe('f-');
    await page.getByRole('button', { name: 'Count' }).click();
    await expectText(page, '2 dead letters would be moved.');
    await page.getByLabel('Only count').uncheck();
    await page.getByRole('button', { name: 'Redrive' }).click();
    await expectText(page, 'Done: 2 moved, 1 skipped');
    expect((await queue.http.call('getQueue', { queue: 'orders' })).counts.ready).toBe(2);
    await queue.http.call('purge', { queue: 'orders-dead' });
  });

  it('a selected dead letter alone is moved back', async () => {
    await queue.http.call('purge', { queue: 'orders' });
    await letDie(queue, 's-1', 's-2');
    const { page } = await browser.open(queue.server.url, { path: '/queues/orders-dead/messages?reason=rejected' });
    await page.getByLabel('Select s-1').check();
    await page.getByRole('button', { name: 'Redrive selected' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Redrive' }).click();
    await eventually(async () =>
      (await queue.http.call('getQueue', { queue: 'orders' })).counts.ready === 1 ? true : undefined,
    );
    expect((await queue.http.call('getQueue', { queue: 'orders-dead' })).counts.dead).toBe(1);
  });

  it('a target is shown with its last error, and is paused', async () => {
    await queue.http.call('createQueue', { queue: 'pushed' });
    await queue.http.call('putTarget', { queue: 'pushed', target: 'hook' }, { url: 'http://127.0.0.1:9/hook' });
    await publish(queue, 'pushed', 'unreachable');
    const { page } = await browser.open(queue.server.url, { path: '/queues/pushed/targets' });
    await expectText(page, /failures in a row/);
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await page.getByRole('button', { name: 'Resume', exact: true }).waitFor();
    expect((await queue.http.call('getTarget', { queue: 'pushed', target: 'hook' })).state).toBe('paused');
  });
});

describe('topics, schedules and keys', () => {
  it('the playground says which subscriptions a message would match, and which condition failed', async () => {
    const { page } = await browser.open(queue.server.url, { path: '/topics/events' });
    await page.getByLabel('Attributes, a JSON object').fill('{"country": "fr"}');
    await page.getByRole('button', { name: 'Try' }).click();
    await expectText(page, '0 of 1 subscriptions match.');
    await expectText(page, 'does not match');
    await expectText(page, /filter.country must meet/);
    await page.getByLabel('Attributes, a JSON object').fill('{"country": "de"}');
    await page.getByLabel(/^Publish it/).check();
    await page.getByRole('button', { name: 'Publish' }).click();
    await expectText(page, /to 1 subscription\./);
  });

  it('a schedule shows its next tick in its own zone, is paused, and publishes its message now', async () => {
    const { page } = await browser.open(queue.server.url, { path: '/schedules' });
    await expectText(page, /Next in/);
    await page.getByRole('button', { name: 'Publish its message now' }).click();
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await page.getByRole('button', { name: 'Resume', exact: true }).waitFor();
    expect(await queue.http.call('getSchedule', { name: 'nightly' })).toMatchObject({ paused: true });
    await queue.http.call('updateSchedule', { name: 'nightly' }, { paused: false });
  });

  it('a key is created, shown once, works, and is revoked', async () => {
    const { page } = await browser.open(queue.server.url, { path: '/keys' });
    await page.getByLabel('Name', { exact: true }).fill('made on the page');
    await page.getByLabel('Queues, separated by commas').fill('mails');
    await page.getByLabel('publish').check();
    await page.getByRole('button', { name: 'Create', exact: true }).click();
    const key = (await page.getByRole('dialog').locator('pre').textContent())!;
    expect(await queue.http.as(key).call('getOwnKey', {})).toMatchObject({ scopes: ['publish'], queues: ['mails'] });
    await page.getByRole('button', { name: 'Close' }).click();
    await page
      .getByRole('row', { name: /made on the page/ })
      .getByRole('button', { name: 'Revoke' })
      .click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('row', { name: /made on the page/ }).waitFor({ state: 'detached' });
    expect((await queue.http.as(key).send('GET', '/v1/keys/own')).status).toBe(401);
  });
});
