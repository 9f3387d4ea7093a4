/** What every operation works with. */

import type { EngineParts } from '../engine.ts';
import { createIds, type Ids } from '../model/ids.ts';
import { versionChars } from '../model/rows.ts';
import type { Row } from '../port/port.ts';
import { createWindows, type Windows } from './claim-windows.ts';
import { createClaimsInProgress, type InHand } from './claims-in-progress.ts';
import { createSettings, type Settings } from './settings-cache.ts';
import { createThrottles, type Throttles } from './throttled-shards.ts';
import { createTurns, createWakeups, type Turns, type Wakeups } from './wakeups.ts';

export interface Context extends EngineParts {
  ids: Ids;
  settings: Settings;
  throttles: Throttles;
  windows: Windows;
  claimsInProgress: InHand;
  wakeups: Wakeups;
  turns: Turns;
  /** By shard, where the next look for groups that rest no more goes on: see lifted-rests.ts. */
  restBookmarks: Map<string, Row>;
  newVersion: () => string;
  /** When a sweep of this process last visited a queue, by incarnation. */
  visitedAt: Map<string, number>;
  /** Of a call that has to be answered in time: when a wait, or a pause before a retry, ends at the latest. */
  lastTryAt?: number;
}

export function createContext(parts: EngineParts): Context {
  const throttles = createThrottles();
  parts.store.onThrottled?.(throttles.note);
  return {
    ...parts,
    throttles,
    ids: createIds(parts.clock, parts.random),
    settings: createSettings(parts.store, parts.clock),
    windows: createWindows(),
    claimsInProgress: createClaimsInProgress(parts.clock),
    wakeups: createWakeups(),
    turns: createTurns(),
    restBookmarks: new Map(),
    newVersion: () => parts.random.chars(versionChars),
    visitedAt: new Map(),
  };
}
