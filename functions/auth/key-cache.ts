/** Looks keys up by id, and keeps what it found for a while: a revoked key works no longer than `keyCacheMs`. */

import { keyCacheMs, keysCachedMax, unknownKeyCacheMs } from '../../contract/limits.ts';
import type { Clock, Store } from '../../engine/port/port.ts';
import { keyOfRow, type StoredKey, storedKey } from './key-rows.ts';

interface Kept {
  key: Promise<StoredKey | undefined>;
  readAt: number;
}

export interface KeyCache {
  find(id: string): Promise<StoredKey | undefined>;
  forget(id: string): void;
}

export function createKeyCache(store: Store, clock: Clock): KeyCache {
  // Apart, so that a flood of made-up ids pushes no real key out.
  const known = new Map<string, Kept>();
  const unknown = new Map<string, Kept>();

  /** By its age, which is below 0 where the clock was set back: then nobody knows how old it is. */
  const fresh = (kept: Kept | undefined, ms: number) => {
    const age = kept === undefined ? Number.NaN : clock.now() - kept.readAt;
    return age >= 0 && age < ms;
  };

  async function read(id: string): Promise<StoredKey | undefined> {
    const [row] = await store.get([keyOfRow(id)]);
    return row === undefined ? undefined : storedKey(row);
  }

  async function find(id: string): Promise<StoredKey | undefined> {
    const kept = known.get(id);
    if (fresh(kept, keyCacheMs)) return kept?.key;
    const missed = unknown.get(id);
    if (fresh(missed, unknownKeyCacheMs)) return missed?.key;
    // The time of asking counts, and whoever asks meanwhile waits for the same answer.
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

function keep(kept: Map<string, Kept>, id: string, entry: Kept): void {
  kept.delete(id);
  kept.set(id, entry);
  for (const oldest of kept.keys()) {
    if (kept.size <= keysCachedMax) break;
    kept.delete(oldest);
  }
}
