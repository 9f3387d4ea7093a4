/** The order service of the examples, on the embedded engine. */
import { expect, it } from 'vitest';
import { startTestDynamodb, testCredentials, testRegion } from '../support/dynamodb.ts';
import { expectEachOrderChargedOnce } from '../support/order-service-lives.ts';

it('the order service charges each order once when it is killed before each request and at any time', async () => {
  const { client, tables, endpoint, stop } = await startTestDynamodb();
  const environment = {
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    AWS_REGION: testRegion,
    AWS_ACCESS_KEY_ID: testCredentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: testCredentials.secretAccessKey,
  };
  expect.hasAssertions();
  await expectEachOrderChargedOnce({ client, tables, environment });
  await stop();
}, 240_000);
