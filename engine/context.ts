/** What every operation works with. */
import type { EngineParts } from './engine.ts';
import { createGrowth, type Growth } from './growth.ts';
import { createIds, type Ids } from './ids.ts';
import { versionChars } from './rows.ts';
import { createSettings, type Settings } from './settings.ts';
import { createWakeups, type Wakeups } from './wakeups.ts';
import { createWindows, type Windows } from './windows.ts';

export interface Context extends EngineParts {
  ids: Ids;
  settings: Settings;
  growth: Growth;
  windows: Windows;
  wakeups: Wakeups;
  newVersion: () => string;
}

export function createContext(parts: EngineParts): Context {
  const growth = createGrowth();
  parts.store.onThrottled?.(growth.note);
  return {
    ...parts,
    growth,
    ids: createIds(parts.clock, parts.random),
    settings: createSettings(parts.store, parts.clock),
    windows: createWindows(),
    wakeups: createWakeups(),
    newVersion: () => parts.random.chars(versionChars),
  };
}
