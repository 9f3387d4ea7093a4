/** A receive of the direct transport whose caller aborts it, and which calls count as answered. */
import { expect, it } from 'vitest';
import { directTransport } from '../../direct/transport.ts';
import { Dumbwaiter, DumbwaiterError } from '../../sdk/index.ts';
import { startTestDynamodb, testCredentials, testRegion } from '../support/dynamodb.ts';
import { startFaultyEndpoint } from '../support/faulty-endpoint.ts';

it('a receive that is given up while it claims returns its messages, uncounted, before the transport is closed', async () => {
  const { endpoint, tables, stop } = await startTestDynamodb();
  const place = { endpoint, region: testRegion, credentials: testCredentials };
  const givenUp = new AbortController();
  const watched = await startFaultyEndpoint(endpoint);
  watched.onRequest = ({ body }) => {
    const { Item: item } = body as { Item?: { slots?: unknown } };
    if (item?.slots) givenUp.abort(new Error('given up'));
  };
  const transport = directTransport({ ...place, endpoint: watched.url, tables });
  const other = directTransport({ ...place, tables });
  const queue = new Dumbwaiter({ transport: other }).queue('given-up');
  await queue.create({ visibilityTimeoutSeconds: 600 });
  await queue.publish({ body: 'a' });
  const receiving = new Dumbwaiter({ transport }).queue('given-up').receive({ waitSeconds: 20 }, { signal: givenUp.signal });
  await expect(receiving).rejects.toThrow('given up');
  await transport.close();
  expect(await queue.receive()).toMatchObject([{ body: 'a', receives: 1 }]);
  await other.close();
  await watched.stop();
  await stop();
});

it('the direct transport reports each answered call, and which of them the queue was not available for', async () => {
  const { endpoint, tables, stop } = await startTestDynamodb();
  const reported: [operation: string, isAvailable: boolean, isTimed: boolean][] = [];
  const options = {
    region: testRegion,
    credentials: testCredentials,
    tables,
    answered: (operation: string, isAvailable: boolean, seconds: number) => {
      reported.push([operation, isAvailable, seconds > 0]);
    },
  };
  const transport = directTransport({ ...options, endpoint });
  await transport.call('createQueue', { queue: 'counted' }, {});
  await expect(transport.call('getQueue', { queue: 'missing' }, {})).rejects.toMatchObject({ code: 'queue_not_found' });
  const signal = AbortSignal.abort(new Error('given up'));
  await expect(transport.call('getQueue', { queue: 'counted' }, {}, { signal })).rejects.toThrow('given up');
  await transport.close();
  await stop();
  // Nothing listens there any more.
  const unreachable = directTransport({ ...options, endpoint });
  const refused = await unreachable.call('getQueue', { queue: 'counted' }, {}, { timeoutMs: 100 }).catch((error) => error);
  expect(refused).toBeInstanceOf(DumbwaiterError);
  expect(refused.code).toBe('unavailable');
  await unreachable.close();
  expect(reported).toEqual([
    ['createQueue', true, true],
    ['getQueue', true, true],
    ['getQueue', false, true],
  ]);
});
