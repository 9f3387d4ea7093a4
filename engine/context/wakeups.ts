/**
 * Wakes the receives that wait in this process as soon as this process publishes. Receives in other processes find the
 * message when they next read the store.
 */

export function createWakeups() {
  const waiting = new Map<string, Set<() => void>>();

  function add(queue: string, wake: () => void): () => void {
    const set = waiting.get(queue) ?? new Set();
    waiting.set(queue, set);
    set.add(wake);
    return () => {
      set.delete(wake);
      if (set.size === 0 && waiting.get(queue) === set) waiting.delete(queue);
    };
  }

  return {
    /** Call it when messages of this queue became ready. */
    wake(queue: string): void {
      for (const resolve of waiting.get(queue) ?? []) resolve();
    },
    /** Calls `wake` at each wake-up, until the function that it returns is called. */
    add,
    /** A signal that aborts at the next `wake`, or with `outer`; call `end` when done with it. */
    listen(queue: string, outer?: AbortSignal): { signal: AbortSignal; end: () => void } {
      const controller = new AbortController();
      const wake = () => controller.abort();
      const remove = add(queue, wake);
      outer?.addEventListener('abort', wake, { once: true });
      return {
        signal: controller.signal,
        end: () => {
          remove();
          outer?.removeEventListener('abort', wake);
        },
      };
    },
  };
}

/**
 * Receives of one process that wait for the same queue take turns: only the one that has waited longest reads the store.
 * When it leaves, the next one reads at once.
 */
export function createTurns() {
  const waiting = new Map<string, (() => void)[]>();
  return {
    /** `wake` is called when this receive's turn begins. The caller must call `leave` when it stops waiting. */
    join(queue: string, wake: () => void): { isNow: () => boolean; leave: () => void } {
      const line = waiting.get(queue) ?? [];
      waiting.set(queue, line);
      line.push(wake);
      return {
        isNow: () => line[0] === wake,
        leave() {
          const wasNow = line[0] === wake;
          line.splice(line.indexOf(wake), 1);
          if (wasNow) line[0]?.();
          if (line.length === 0 && waiting.get(queue) === line) waiting.delete(queue);
        },
      };
    },
  };
}

export type Turns = ReturnType<typeof createTurns>;
export type Wakeups = ReturnType<typeof createWakeups>;
