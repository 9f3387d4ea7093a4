/**
 * The context that every operation receives: the engine's parts and the state of one process. Start reading
 * `engine/context/` here. Each process has its own state and loses it when it ends.
 */

import type { EngineParts } from '../engine.ts';
import { createIds, type Ids } from '../model/ids.ts';
import { versionChars } from '../model/rows.ts';
import type { Row } from '../port/port.ts';
import { createWindows, type Windows } from './claim-windows.ts';
import { type ClaimsInProgress, createClaimsInProgress } from './claims-in-progress.ts';
import { createSettings, type Settings } from './settings-cache.ts';
import { createThrottles, type Throttles } from './throttled-shards.ts';
import { createTopics, type Topics } from './topics-cache.ts';
import { createTurns, createWakeups, type Turns, type Wakeups } from './wakeups.ts';

export interface Context extends EngineParts {
  ids: Ids;
  settings: Settings;
  topics: Topics;
  throttles: Throttles;
  windows: Windows;
  claimsInProgress: ClaimsInProgress;
  wakeups: Wakeups;
  turns: Turns;
  /** By shard: where the next search for groups whose rest was lifted continues. See `receive/lifted-rests.ts`. */
  restBookmarks: Map<string, Row>;
  newVersion: () => string;
  /** By incarnation: when a sweep of this process last visited the queue. */
  visitedAt: Map<string, number>;
  /** For a call with a time limit: the latest end of a wait, or of a pause before a retry. */
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
    topics: createTopics(parts.store, parts.clock),
    windows: createWindows(),
    claimsInProgress: createClaimsInProgress(parts.clock),
    wakeups: createWakeups(),
    turns: createTurns(),
    restBookmarks: new Map(),
    newVersion: () => parts.random.chars(versionChars),
    visitedAt: new Map(),
  };
}
