/** The first admin key, which creates all other keys. It comes from the environment, or from a secret that the deployment generated. */

import type { Clock } from '../../engine/port/port.ts';
import { cachedSecret } from './cached-secret.ts';

export interface AdminKey {
  /** Returns `undefined` if there is no admin key. Throws `unavailable` if it cannot be read. */
  read(): Promise<string | undefined>;
}

export function fixedAdminKey(key: string | undefined): AdminKey {
  return { read: async () => key };
}

export function secretAdminKey(fetchSecret: () => Promise<string | undefined>, clock: Clock): AdminKey {
  return { read: cachedSecret(fetchSecret, { clock, name: 'The admin key' }) };
}
