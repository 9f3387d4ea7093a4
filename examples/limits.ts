/** Limits: work for a service that takes two concurrent calls and twenty a second, over all workers together. */
import { setTimeout as sleep } from 'node:timers/promises';
import { dumbwaiter } from './connect.ts';

const invoices = dumbwaiter.queue<{ invoice: number }>('invoices');
await invoices.create({ limits: { concurrency: 2, ratePerSecond: 20 } });
await invoices.publish(Array.from({ length: 6 }, (_, invoice) => ({ body: { invoice } })));

let busy = 0;
let most = 0;
const workers = [1, 2, 3].map(() =>
  invoices.consume(
    async () => {
      most = Math.max(most, ++busy);
      await sleep(20);
      busy--;
    },
    { concurrency: 8, waitSeconds: 1 },
  ),
);
let done = 0;
for (const worker of workers) {
  worker.on('ack', () => {
    if (++done === 6) for (const one of workers) one.stop();
  });
}
await Promise.all(workers.map((worker) => worker.done));
console.log(`${done} done, ${most} at a time`);
