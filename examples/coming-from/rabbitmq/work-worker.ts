/** Work queues: a worker that takes one task at a time. Start several: each task goes to one of them. */
import { setTimeout } from 'node:timers/promises';
import { dumbwaiter } from '../../connect.ts';

const resizes = dumbwaiter.queue<{ file: string; seconds: number }>('resizes');
await resizes.ensure({ visibilityTimeoutSeconds: 10 });

// The consumer extends the lease while the task runs. If this program dies, another worker gets the task within ten seconds.
const consumer = resizes.consume(
  async ({ body }) => {
    await setTimeout(body.seconds * 1000);
    console.log(`resized ${body.file}`);
  },
  { concurrency: 1 },
);
process.once('SIGINT', () => consumer.stop());
await consumer.done;
