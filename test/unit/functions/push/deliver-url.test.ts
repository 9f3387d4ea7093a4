import { expect, it } from 'vitest';
import { retryAfterSecondsMax } from '../../../../contract/limits.ts';
import { createUrlDelivery } from '../../../../functions/push/deliver-url.ts';
import type { TargetRecord } from '../../../../functions/push/target-records.ts';

const target = {
  incarnation: 'i',
  queue: 'q',
  name: 't',
  terms: { url: 'https://example.com/', format: 'json', timeoutSeconds: 10 },
} as TargetRecord;

async function delayAfter(retryAfter: string): Promise<number | undefined> {
  const deliver = createUrlDelivery({
    post: async () => ({ status: 503, headers: { 'retry-after': retryAfter }, body: '' }),
    secrets: { current: async () => [] },
  });
  const message = { id: 'm', receipt: 'r', receives: 1, failures: 0, body: 1, attributes: {}, publishedAt: '', leasedUntil: '' };
  return (await deliver(target, [message], new AbortController().signal)).failed[0]!.delaySeconds;
}

it.each([
  ['120', 120],
  ['9'.repeat(400), retryAfterSecondsMax],
  ['Fri, 31 Dec 9999 23:59:59 GMT', retryAfterSecondsMax],
  // The backoff of the queue applies.
  ['0', undefined],
  ['-5', undefined],
  ['1.5', undefined],
  ['soon', undefined],
  ['', undefined],
  ['Fri, 31 Dec 1999 23:59:59 GMT', undefined],
])('a failed request with Retry-After "%s" is tried again after %s seconds', async (retryAfter, seconds) => {
  expect(await delayAfter(retryAfter)).toBe(seconds);
});
