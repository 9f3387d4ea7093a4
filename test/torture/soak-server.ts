/**
 * The local server on a SQLite file, for `soak-sqlite.ts`: `node --expose-gc soak-server.ts FILE KEY`, with an IPC channel. Each message from
 * the parent is a number of milliseconds by which the clock moves. Once the rows that this expires are removed, the answer is the size of
 * everything.
 */
import { statSync } from 'node:fs';
import { createCorrectedClock } from '../../engine/dynamo/corrected-clock.ts';
import { createRandom } from '../../engine/port/random.ts';
import { openDatabase } from '../../engine/sqlite/database.ts';
import { createSqliteStore } from '../../engine/sqlite/store.ts';
import { serveLocally } from '../../functions/local/server.ts';
import type { Log } from '../../functions/service/log.ts';
import type { Sizes } from './soak-sizes.ts';

const [file, adminKey] = process.argv.slice(2);
if (file === undefined || adminKey === undefined || process.send === undefined || globalThis.gc === undefined) {
  throw new Error('soak-sqlite.ts starts this program');
}
const collectGarbage = globalThis.gc;
const quiet: Log = { info: () => {}, warn: console.error, error: console.error };
let aheadMs = 0;
const clock = createCorrectedClock(() => Date.now() + aheadMs);
const opened = openDatabase(file);
const store = createSqliteStore(opened, { now: clock.now });
const { url, stop } = await serveLocally({ log: quiet, adminKey }, { store, clock, random: createRandom() });

async function moveClock(ms: number): Promise<Sizes> {
  aheadMs += ms;
  while (await store.upkeep());
  const residentBytes = process.memoryUsage.rss();
  collectGarbage();
  return {
    file: statSync(file!).size,
    log: statSync(`${file}-wal`).size,
    messages: rowsIn('messages'),
    leases: rowsIn('leases'),
    queues: rowsIn('queues'),
    resident: residentBytes,
    heap: process.memoryUsage().heapUsed,
  };
}

function rowsIn(table: string): number {
  return opened.database.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.count as number;
}

process.on('message', (ms: number) => void moveClock(ms).then((sizes) => process.send!(sizes)));
process.on('disconnect', () => void stop().then(store.close));
process.send({ url });
