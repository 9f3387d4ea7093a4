/** Waits for a condition that other code brings about. */
import { setTimeout as delay } from 'node:timers/promises';

const deadlineMs = 30_000;
const intervalMs = 5;

/** Calls `read` until it returns something other than `undefined` or `false`, and returns that. */
export async function eventually<T>(read: () => T | Promise<T>): Promise<Exclude<T, undefined | false>> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const found = await read();
    if (found !== undefined && found !== false) return found as Exclude<T, undefined | false>;
    if (Date.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${read}`);
    await delay(intervalMs);
  }
}
