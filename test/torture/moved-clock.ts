/**
 * Preloaded into a server (`node --import`). Its wall clock is off by as many milliseconds as a file says that the environment names. Its
 * monotonic clock is unchanged, as when an administrator sets a clock.
 */
import { readFileSync } from 'node:fs';

const file = process.env.MOVED_CLOCK_FILE;
const lookEachMs = 20;

if (file !== undefined) {
  const trueNow = Date.now;
  let movedMs = 0;
  const look = () => {
    movedMs = Number(readFileSync(file, 'utf8'));
  };
  look();
  setInterval(look, lookEachMs).unref();
  Date.now = () => trueNow() + movedMs;
}
