/** The first admin key, which makes all others: from the environment, or from a secret that the deployment generated. */

import { DumbwaiterError } from '../../contract/errors.ts';
import { keyCacheMs } from '../../contract/limits.ts';
import type { Clock } from '../../engine/port/port.ts';

export interface AdminKey {
  /** `undefined`: there is none. Throws `unavailable`. */
  read(): Promise<string | undefined>;
}

export function fixedAdminKey(key: string | undefined): AdminKey {
  return { read: async () => key };
}

/** Read when first needed, and again after `keyCacheMs`, so that a rotated secret takes effect. */
export function secretAdminKey(secretArn: string, clock: Clock): AdminKey {
  let kept: { key: Promise<string | undefined>; readAt: number } | undefined;

  async function fetchSecret(): Promise<string | undefined> {
    try {
      // Loaded here: calls with other keys, and a cold start, do without it.
      const { GetSecretValueCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
      const client = new SecretsManagerClient({});
      try {
        return (await client.send(new GetSecretValueCommand({ SecretId: secretArn }))).SecretString;
      } finally {
        client.destroy();
      }
    } catch (cause) {
      kept = undefined;
      throw new DumbwaiterError('unavailable', 'The admin key could not be read; try again.', { cause });
    }
  }

  return {
    read() {
      const now = clock.now();
      // Below 0 where the clock was set back: nobody knows how old it is.
      const age = kept === undefined ? Number.NaN : now - kept.readAt;
      if (kept === undefined || !(age >= 0 && age < keyCacheMs)) kept = { key: fetchSecret(), readAt: now };
      return kept.key;
    },
  };
}
