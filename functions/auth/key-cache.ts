/** Finds keys by id and caches the results. A key that another process revokes works here for at most `keyCacheMs` more. */

import { keyCacheMs, keysCachedMax, unknownKeyCacheMs } from '../../contract/limits.ts';
import type { Clock, Store } from '../../engine/port/port.ts';
import { keyOfRow, type StoredKey, storedKey } from './key-rows.ts';

interface CachedKey {
  key: Promise<StoredKey | undefined>;
  readAt: number;
}

export interface KeyCache {
  find(id: string): Promise<StoredKey | undefined>;
  forget(id: string): void;
}

export function createKeyCache(store: Store, clock: Clock): KeyCache {
  // Two maps, so that a flood of made-up ids evicts no real key.
  const known = new Map<string, CachedKey>();
  const unknown = new Map<string, CachedKey>();

  /** A negative age means that the clock was set back: the real age is unknown, so the entry counts as stale. */
  const isFresh = (cached: CachedKey | undefined, ms: number) => {
    const age = cached === undefined ? Number.NaN : clock.now() - cached.readAt;
    return age >= 0 && age < ms;
  };

  async function read(id: string): Promise<StoredKey | undefined> {
    const [row] = await store.get([keyOfRow(id)]);
    return row === undefined ? undefined : storedKey(row);
  }

  async function find(id: string): Promise<StoredKey | undefined> {
    const cached = known.get(id);
    if (isFresh(cached, keyCacheMs)) return cached?.key;
    const cachedMiss = unknown.get(id);
    if (isFresh(cachedMiss, unknownKeyCacheMs)) return cachedMiss?.key;
    // The age counts from the start of the read. Concurrent callers share the pending read.
    const asked = { key: read(id), readAt: clock.now() };
    keep(unknown, id, asked);
    try {
      const key = await asked.key;
      if (key !== undefined && unknown.get(id) === asked) {
        unknown.delete(id);
        keep(known, id, asked);
      } else if (key === undefined) known.delete(id);
      return key;
    } catch (error) {
      if (unknown.get(id) === asked) unknown.delete(id);
      throw error;
    }
  }

  return {
    find,
    forget(id) {
      known.delete(id);
      unknown.delete(id);
    },
  };
}

function keep(cached: Map<string, CachedKey>, id: string, entry: CachedKey): void {
  cached.delete(id);
  cached.set(id, entry);
  for (const oldest of cached.keys()) {
    if (cached.size <= keysCachedMax) break;
    cached.delete(oldest);
  }
}
