/** A receive of the direct transport whose caller aborts it. */
import { expect, it } from 'vitest';
import { directTransport } from '../../direct/transport.ts';
import { Dumbwaiter } from '../../sdk/index.ts';
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
