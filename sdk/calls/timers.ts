/** Time and randomness as the SDK uses them, so that a test can replace them. */
export interface Timers {
  /** Milliseconds since 1970. */
  now(): number;
  /** Runs `act` once, `ms` from now. Returns a function that cancels it. */
  after(ms: number, act: () => void): () => void;
  /** Runs `act` once, after the current turn of the event loop with all its promises. Returns a function that cancels it. */
  nextTurn(act: () => void): () => void;
  /** A random number, 0 ≤ n < 1. */
  random(): number;
}

/** Longer timers overflow and fire at once: https://developer.mozilla.org/docs/Web/API/Window/setTimeout#maximum_delay_value */
const setTimeoutMsMax = 2 ** 31 - 1;

interface Host {
  setImmediate?: (act: () => void) => unknown;
  clearImmediate?: (handle: unknown) => void;
}

/** The host's timers. In a browser, which has no `setImmediate`, a turn ends with a timer of 0 ms. */
export const hostTimers: Timers = {
  now: () => Date.now(),
  after(ms, act) {
    const handle = setTimeout(act, Math.min(Math.max(ms, 0), setTimeoutMsMax));
    return () => clearTimeout(handle);
  },
  nextTurn(act) {
    const host = globalThis as Host;
    if (host.setImmediate === undefined || host.clearImmediate === undefined) return hostTimers.after(0, act);
    const handle = host.setImmediate(act);
    return () => host.clearImmediate?.(handle);
  },
  random: () => Math.random(),
};

/** Resolves after `ms`. Rejects with the signal's reason as soon as the signal aborts. */
export function sleep(timers: Timers, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const cancelTimer = timers.after(ms, () => {
      signal?.removeEventListener('abort', stop);
      resolve();
    });
    const stop = () => {
      cancelTimer();
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', stop, { once: true });
  });
}
