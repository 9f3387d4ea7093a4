/** Awaits a condition that others bring about. */
import { setImmediate } from 'node:timers/promises';

const deadlineMs = 10_000;

export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${condition}`);
    await setImmediate();
  }
}
