/** Schedules through the SDK, against the whole queue on a real DynamoDB engine. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Dumbwaiter } from '../../sdk/index.ts';
import { adminKey, expectProblem, type LocalQueue, startLocalQueue } from '../support/local-queue.ts';

let local: LocalQueue;
let dumbwaiter: Dumbwaiter;
beforeAll(async () => {
  local = await startLocalQueue();
  dumbwaiter = new Dumbwaiter({ url: local.server.url, apiKey: adminKey });
  await dumbwaiter.queue('ticks').create();
});
afterAll(async () => {
  await local.server.close();
  expect(local.defects).toEqual([]);
});

const soon = () => new Date(Date.now() + 1000).toISOString();

it('a schedule publishes at its tick without a wait for the sweep', async () => {
  const startAt = soon();
  const put = await dumbwaiter.schedules.put('rate', {
    queue: 'ticks',
    everySeconds: 3600,
    startAt,
    message: { body: { hello: 'again' }, attributes: { of: 'mine' } },
  });
  expect(put).toMatchObject({ name: 'rate', nextAt: startAt, lastAt: null, message: { body: { hello: 'again' } } });
  const [message] = await dumbwaiter.queue('ticks').receive({ waitSeconds: 10 });
  expect(message).toMatchObject({ body: { hello: 'again' }, attributes: { of: 'mine', schedule: 'rate', tick: startAt } });
  expect(message!.publishedAt).toBe(startAt);
  await message!.ack();
  const later = await dumbwaiter.schedules.get('rate');
  expect(Date.parse(later.nextAt!) - Date.parse(startAt)).toBe(3_600_000);
  expect(later.lastAt).toBe(startAt);
});

it('the SDK puts schedules again, changes, pauses, resumes, lists and deletes them', async () => {
  const { schedules } = dumbwaiter;
  const input = { queue: 'ticks', cron: '30 2 * * *', timeZone: 'Europe/Berlin', message: { body: new Uint8Array([0, 1, 255]) } };
  const put = await schedules.put('nightly', input);
  expect(put).toMatchObject({ cron: '30 2 * * *', timeZone: 'Europe/Berlin', missed: 'one', paused: false, everySeconds: null });
  expect(put.message).toEqual({ body: new Uint8Array([0, 1, 255]), attributes: {} });
  expect(await schedules.put('nightly', input)).toEqual(put);
  expect(await schedules.update('nightly', { missed: 'all', message: { body: 1 } })).toMatchObject({
    missed: 'all',
    cron: '30 2 * * *',
    message: { body: 1 },
  });
  const { nextTicks } = await schedules.get('nightly');
  expect([nextTicks.length, nextTicks[0]]).toEqual([5, put.nextAt]);
  expect(await schedules.pause('nightly')).toMatchObject({ paused: true, nextAt: null });
  expect(await schedules.resume('nightly')).toMatchObject({ paused: false, nextAt: put.nextAt });
  expect((await schedules.list({ limit: 1 }).all()).map(({ name }) => name)).toEqual(['nightly', 'rate']);
  await schedules.delete('nightly');
  await expect(schedules.get('nightly')).rejects.toMatchObject({ code: 'schedule_not_found', retryable: false });
  await expect(schedules.put('bad', { ...input, cron: 'every day at noon' })).rejects.toMatchObject({
    code: 'invalid_input',
    message: expect.stringContaining('cron: '),
  });
});

it('a key needs to cover all queues to administer schedules', async () => {
  const { key } = await dumbwaiter.keys.create({ name: 'some', queues: ['tick*'], scopes: ['admin'] });
  const some = local.http.as(key);
  await expectProblem(await some.send('GET', '/v1/schedules/rate'), 403, 'forbidden');
  await expectProblem(await some.send('DELETE', '/v1/schedules/rate'), 403, 'forbidden');
  await expectProblem(await some.send('GET', '/v1/schedules'), 403, 'forbidden');
  const body = { queue: 'ticks', everySeconds: 60, message: { body: 1 } };
  await expectProblem(await some.send('PUT', '/v1/schedules/mine', { body }), 403, 'forbidden');
  await expectProblem(await some.send('PATCH', '/v1/schedules/rate', { body: { paused: true } }), 403, 'forbidden');
});
