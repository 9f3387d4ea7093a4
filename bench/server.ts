/**
 * The local server as a child process, for `speed.ts`, which measures it: `node bench/server.ts STORE ENDPOINT FOLDER KEY`, with an IPC channel.
 * Each message from the parent is answered with the CPU time so far, in ms.
 */
import { serveLocally } from '../functions/local/server.ts';
import type { Log } from '../functions/service/log.ts';
import { openStore, type StoreName } from './stores.ts';
import { ownCpuMs } from './timing.ts';

const [name, endpoint, folder, adminKey] = process.argv.slice(2);
if (endpoint === undefined || folder === undefined || adminKey === undefined || process.send === undefined) {
  throw new Error('bench/speed.ts starts this program');
}
const quiet: Log = { info: () => {}, warn: console.error, error: console.error };
const store = openStore(name as StoreName, { endpoint, folder });
const { url, stop } = await serveLocally({ log: quiet, adminKey }, store.parts);
process.on('message', () => process.send!(ownCpuMs()));
process.on('disconnect', () => void stop().then(store.close));
process.send({ url });
