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

export type Wakeups = ReturnType<typeof createWakeups>;
