/** Lets a receive that waits in this process learn of a publish in this process at once; others find it at their next look. */
export function createWakeups() {
  const waiting = new Map<string, Set<() => void>>();
  return {
    /** Messages of this queue became ready. */
    wake(queue: string): void {
      for (const resolve of waiting.get(queue) ?? []) resolve();
    },
    /** A signal that aborts at the next `wake`, or with `outer`; call `end` when done with it. */
    listen(queue: string, outer?: AbortSignal): { signal: AbortSignal; end: () => void } {
      const controller = new AbortController();
      const wake = () => controller.abort();
      const set = waiting.get(queue) ?? new Set();
      waiting.set(queue, set);
      set.add(wake);
      outer?.addEventListener('abort', wake, { once: true });
      return {
        signal: controller.signal,
        end: () => {
          set.delete(wake);
          if (set.size === 0) waiting.delete(queue);
          outer?.removeEventListener('abort', wake);
        },
      };
    },
  };
}

/**
 * Receives of one process that wait at the same queue take turns: the one that has waited longest looks for all of them. When it leaves, the
 * next one looks at once.
 */
export function createTurns() {
  const waiting = new Map<string, (() => void)[]>();
  return {
    /** `wake` is called when it comes to be this one's turn; call `leave` when done with it. */
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
