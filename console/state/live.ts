/**
 * One loop reloads what the page shows: every two seconds, every half minute while the tab is hidden, and not while it is paused.
 */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

const visibleMs = 2_000;
const hiddenMs = 30_000;

type Reload = () => Promise<unknown>;
const reloads = new Set<Reload>();
let timer: ReturnType<typeof setTimeout> | undefined;
let isPaused = false;

export const live = {
  get paused() {
    return isPaused;
  },
  setPaused(paused: boolean): void {
    isPaused = paused;
    next(0);
  },
  reloadNow: () => next(0),
};

document.addEventListener('visibilitychange', () => {
  if (!document.hidden) next(0);
});

function next(ms = document.hidden ? hiddenMs : visibleMs): void {
  clearTimeout(timer);
  if (isPaused) return;
  timer = setTimeout(async () => {
    await Promise.all([...reloads].map((reload) => reload()));
    next();
  }, ms);
}

export interface Loaded<Value> {
  value?: Value;
  error?: Error;
  reload(): Promise<void>;
}

/**
 * Loads at once, again whenever `key` changes, and then with the loop, but not within `pauseMs` of the last load. An error leaves the last value
 * on the page.
 */
export function useLive<Value>(key: string, load: (signal: AbortSignal) => Promise<Value>, pauseMs = 0): Loaded<Value> {
  const [state, setState] = useState<{ key: string; value?: Value; error?: Error }>({ key });
  const latest = useRef(load);
  latest.current = load;
  const running = useRef<AbortController | undefined>(undefined);

  const loadedAt = useRef(0);

  const reload = useCallback(async () => {
    if (running.current) return;
    loadedAt.current = Date.now();
    const call = new AbortController();
    running.current = call;
    try {
      const value = await latest.current(call.signal);
      if (!call.signal.aborted) setState({ key, value });
    } catch (error) {
      if (!call.signal.aborted) setState((before) => ({ ...(before.key === key ? before : { key }), error: error as Error }));
    } finally {
      if (running.current === call) running.current = undefined;
    }
  }, [key]);

  useEffect(() => {
    const inLoop = async () => {
      if (Date.now() - loadedAt.current >= pauseMs) await reload();
    };
    reloads.add(inLoop);
    void reload().then(() => next());
    return () => {
      reloads.delete(inLoop);
      running.current?.abort();
      running.current = undefined;
    };
  }, [reload]);

  const shown = state.key === key ? state : { key };
  return { reload, ...('value' in shown && { value: shown.value }), ...(shown.error && { error: shown.error }) } as Loaded<Value>;
}
