/** A secret that is kept elsewhere, such as in Secrets Manager, and cached in this process. */
import { DumbwaiterError } from '../../contract/errors.ts';
import { keyCacheMs } from '../../contract/limits.ts';
import type { Clock } from '../../engine/port/port.ts';

/** Returns `undefined` if there is no secret. Throws `unavailable` if it cannot be read. */
export type ReadSecret = () => Promise<string | undefined>;

export interface CachedSecretOptions {
  clock: Clock;
  /** What errors call it, such as `The admin key`. */
  name: string;
  /** Default: `keyCacheMs`, so that a rotated secret takes effect. */
  cacheMs?: number;
}

/** Reads the secret, by `fetchSecret`, on first use, and again when it has been cached for `cacheMs`. */
export function cachedSecret(
  fetchSecret: () => Promise<string | undefined>,
  { clock, name, cacheMs = keyCacheMs }: CachedSecretOptions,
): ReadSecret {
  let cached: { text: Promise<string | undefined>; readAt: number } | undefined;

  async function fetchOrForget(): Promise<string | undefined> {
    try {
      return await fetchSecret();
    } catch (cause) {
      cached = undefined;
      throw new DumbwaiterError('unavailable', `${name} could not be read; try again.`, { cause });
    }
  }

  return () => {
    const now = clock.now();
    // A negative age means that the clock was set back: the real age is unknown, so read again.
    const age = cached === undefined ? Number.NaN : now - cached.readAt;
    if (cached === undefined || !(age >= 0 && age < cacheMs)) cached = { text: fetchOrForget(), readAt: now };
    return cached.text;
  };
}
