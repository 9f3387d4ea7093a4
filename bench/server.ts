/** The local server as a child process, for `speed.ts`, which measures it: `node bench/server.ts ENDPOINT KEY`, with an IPC channel. */
import { startLocal } from '../functions/local/server.ts';
import type { Log } from '../functions/service/log.ts';

const [endpoint, adminKey] = process.argv.slice(2);
if (endpoint === undefined || adminKey === undefined || process.send === undefined) {
  throw new Error('bench/speed.ts starts this program');
}
const quiet: Log = { info: () => {}, warn: console.error, error: console.error };
const server = await startLocal({ data: { endpoint }, log: quiet, adminKey });
process.on('disconnect', () => void server.close());
process.send({ url: server.url });
