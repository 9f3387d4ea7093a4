/**
 * Preloaded into a server (`node --import`): its wall clock is off by as many milliseconds as the file says that the environment
 * names. Its sense of how long things take is left alone, as when an administrator sets a clock.
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
