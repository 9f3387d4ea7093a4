import { beforeEach, expect, it } from 'vitest';
import { signingSecretOverlapMs, signingSecretsMax } from '../../../contract/limits.ts';
import { createMemoryStore } from '../../../engine/memory/store.ts';
import { signingKind } from '../../../engine/model/rows-by-name.ts';
import { createSigningSecrets } from '../../../functions/service/signing-secrets.ts';
import { createDrivenClock } from '../../support/driven-clock.ts';

let clock: ReturnType<typeof createDrivenClock>;
let store: ReturnType<typeof createMemoryStore>;
const another = () => createSigningSecrets({ store, clock });

beforeEach(() => {
  clock = createDrivenClock();
  store = createMemoryStore({ now: clock.now });
});

it('a queue without a secret gets one at its first use, the same for all processes', async () => {
  const all = await Promise.all([another().current('q'), another().current('q'), another().current('q')]);
  expect(all[0]).toHaveLength(1);
  expect(new Set(all.flat()).size).toBe(1);
  expect(await another().current('other')).not.toEqual(all[0]);
});

it('an earlier secret signs beside a new one for a day and then stops', async () => {
  const secrets = another();
  const { secret: first } = await secrets.rotate('q');
  const { secret: second } = await secrets.rotate('q');
  expect(await secrets.current('q')).toEqual([second, first]);
  clock.advance(signingSecretOverlapMs - 1);
  const { secret: third } = await secrets.rotate('q');
  expect(await secrets.current('q')).toEqual([third, second, first]);
  clock.advance(1);
  expect(await secrets.current('q')).toEqual([third, second]);
  clock.advance(signingSecretOverlapMs);
  expect(await secrets.current('q')).toEqual([third]);
});

it('secrets that are created at the same time all sign, up to a bound', async () => {
  const made = await Promise.all(Array.from({ length: 3 }, () => another().rotate('q')));
  expect([...(await another().current('q'))].sort()).toEqual(made.map(({ secret }) => secret).sort());
  for (let i = 0; i < signingSecretsMax; i++) await another().rotate('q');
  expect(await another().current('q')).toHaveLength(signingSecretsMax);
});

it('the secret of a deleted queue is forgotten', async () => {
  const secrets = another();
  const { secret } = await secrets.rotate('q');
  expect(store.rows('queues')).toMatchObject([{ kind: signingKind, name: 'q' }]);
  await secrets.forget('q');
  expect(store.rows('queues')).toEqual([]);
  expect(await secrets.current('q')).not.toContain(secret);
});
