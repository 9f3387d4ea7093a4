/** Receiving without a consumer: lease, extend, ack, release. */
import { dumbwaiter } from './connect.ts';

const jobs = dumbwaiter.queue<{ file: string }>('jobs');
await jobs.create({ visibilityTimeoutSeconds: 60 });
await jobs.publish(['a.txt', 'b.txt', 'c.txt'].map((file) => ({ body: { file } })));

const messages = await jobs.receive({ max: 10, waitSeconds: 5 });
for (const message of messages) {
  if (message.body.file === 'a.txt') await message.extend(600);
  if (message.body.file === 'b.txt') await message.release({ delaySeconds: 30 });
  else await message.ack();
}

const { counts } = await jobs.describe();
console.log(`${counts.ready} ready, ${counts.delayed + counts.leased} later`);
