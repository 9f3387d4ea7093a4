import { expect, test } from 'vitest';
import { DumbwaiterError } from '../../../contract/errors.ts';
import { StoreError } from '../../../engine/port/port.ts';
import { declareKey, removeKey } from '../../../functions/service/declared-key.ts';
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

test('a key that its stack removes is revoked although the store is busy at first', async () => {
  let calls = 0;
  const revoke = async () => {
    calls += 1;
    if (calls < 3) throw new StoreError('too busy', 'no');
    throw new DumbwaiterError('key_not_found', 'There is no such key.');
  };
  const clock = { sleep: async () => undefined };
  await removeKey({ keys: { revoke }, clock }, 'id', { signal: new AbortController().signal });
  expect(calls).toBe(3);
});
