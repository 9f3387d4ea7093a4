import { expect, test } from 'vitest';
import { declareKey } from '../../../functions/service/declared-key.ts';
import { createDrivenClock } from '../../support/driven-clock.ts';

const properties = { keyJson: JSON.stringify({ name: 'checkout', queues: ['q'], scopes: ['publish'] }), secretArn: 'arn' };
const keys = { register: async (text: string) => `id of ${text}` };

test('the secret of a declared key is read again until IAM permits it', async () => {
  let reads = 0;
  const readSecret = async () => {
    reads += 1;
    if (reads < 3) throw new Error('AccessDeniedException');
    return 'text';
  };
  const clock = { sleep: async () => undefined };
  expect(await declareKey({ keys, readSecret, clock }, properties, { signal: new AbortController().signal })).toBe('id of text');
});

test('a secret that cannot be read until the function must answer fails with the last reason', async () => {
  const ending = new AbortController();
  const readSecret = () => Promise.reject(new Error('AccessDeniedException'));
  const declared = declareKey({ keys, readSecret, clock: createDrivenClock() }, properties, { signal: ending.signal });
  ending.abort();
  await expect(declared).rejects.toThrow('AccessDeniedException');
});
