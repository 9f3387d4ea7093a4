/** The first admin key, which creates all other keys. It comes from the environment, or from a secret that the deployment generated. */

import { DumbwaiterError } from '../../contract/errors.ts';
import { keyCacheMs } from '../../contract/limits.ts';
import type { Clock } from '../../engine/port/port.ts';

export interface AdminKey {
  /** Returns `undefined` if there is no admin key. Throws `unavailable` if it cannot be read. */
  read(): Promise<string | undefined>;
}

export function fixedAdminKey(key: string | undefined): AdminKey {
  return { read: async () => key };
}

/** Reads the secret, by `fetchSecret`, on first use, and again after `keyCacheMs`, so that a rotated secret takes effect. */
export function secretAdminKey(fetchSecret: () => Promise<string | undefined>, clock: Clock): AdminKey {
  let cached: { key: Promise<string | undefined>; readAt: number } | undefined;

  async function fetchKey(): Promise<string | undefined> {
    try {
      return await fetchSecret();
    } catch (cause) {
      cached = undefined;
      throw new DumbwaiterError('unavailable', 'The admin key could not be read; try again.', { cause });
    }
  }

  return {
    read() {
      const now = clock.now();
      // A negative age means that the clock was set back: the real age is unknown, so read again.
      const age = cached === undefined ? Number.NaN : now - cached.readAt;
      if (cached === undefined || !(age >= 0 && age < keyCacheMs)) cached = { key: fetchKey(), readAt: now };
      return cached.key;
    },
  };
}
