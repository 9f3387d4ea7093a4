/** A local server with a few queues, a topic and a schedule, for the tests of pages. */
import { expect } from 'vitest';
import { type LocalQueue, startLocalQueue } from '../support/local-queue.ts';

export async function startSmallDeployment(): Promise<LocalQueue> {
  const queue = await startLocalQueue({ environment: { name: 'staging', color: 'orange' } });
  const { http } = queue;
  await http.call('createQueue', { queue: 'orders-dead' });
  await http.call('createQueue', { queue: 'orders' }, { deadLetter: { queue: 'orders-dead', maxReceives: 1 }, backoff: null });
  await http.call('createQueue', { queue: 'mails' });
  await http.call('createTopic', { topic: 'events' });
  await http.call('subscribe', { topic: 'events', subscription: 'german' }, { filter: { country: ['de'] } });
  await http.call(
    'putSchedule',
    { name: 'nightly' },
    { queue: 'mails', cron: '0 3 * * *', timeZone: 'Europe/Berlin', message: { body: 'go' } },
  );
  return queue;
}

export async function publish(queue: LocalQueue, name: string, id: string, body: unknown = { id }) {
  const { results } = await queue.http.call(
    'publish',
    { queue: name },
    { messages: [{ id, body: body as never, attributes: { kind: 'a' } }] },
  );
  expect(results).toMatchObject([{ ok: true, id }]);
}

/** Publishes messages that die at once. */
export async function letDie(queue: LocalQueue, ...ids: string[]) {
  for (const id of ids) await publish(queue, 'orders', id);
  const { messages } = await queue.http.call('receive', { queue: 'orders' }, { max: ids.length });
  const receipts = messages.map(({ receipt }) => receipt);
  await queue.http.call('release', { queue: 'orders' }, { receipts, failed: 'no stock', deadLetter: true });
}
