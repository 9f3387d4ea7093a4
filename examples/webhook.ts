/** Pushes the messages of a queue to a URL, here that of a receiver in the same program. */
import { dumbwaiter } from './connect.ts';
import { startReceiver } from './webhook-receiver.ts';

const orders = dumbwaiter.queue<{ order: number }>('pushed-orders');
await orders.ensure({ backoff: { minSeconds: 1, maxSeconds: 300 }, keep: { doneSeconds: 60 } });
const secret = await orders.rotateSigningSecret();

const { server, url } = await startReceiver(secret);
await orders.targets.put('shop', { url, maxConcurrency: 5, timeoutSeconds: 10 });
const published = await Promise.all([1, 2].map((order) => orders.publish({ body: { order } })));
for (const { id } of published) console.log((await orders.get(id, { waitSeconds: 20 })).state);

const { state, lastError } = await orders.targets.get('shop');
console.log(`${state}, ${lastError?.message ?? 'no failure'}`);
await orders.targets.delete('shop');
server.close();
