/** The order service of the examples, on the embedded engine. */
import { expect, it } from 'vitest';
import { startTestDynamodb } from '../support/dynamodb.ts';
import { expectEachOrderChargedOnce } from '../support/order-service-lives.ts';

it('the order service charges each order once when it is killed before each request and at any time', async () => {
  const dynamodb = await startTestDynamodb();
  expect.hasAssertions();
  await expectEachOrderChargedOnce({ ...dynamodb, client: dynamodb.sdk });
  await dynamodb.stop();
}, 240_000);
