/** A worker: a consumer that runs until a signal stops it. */
import { dumbwaiter } from './connect.ts';

const thumbnails = dumbwaiter.queue<{ url: string }>('thumbnails');
await thumbnails.ensure({ backoff: { maxSeconds: 300 } });

const consumer = thumbnails.consume(
  async (message, { signal }) => {
    // The signal aborts when the lease is lost: another consumer may then have the message.
    const response = await fetch(message.body.url, { signal });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
  },
  { concurrency: 20, visibilityTimeoutSeconds: 30 },
);
consumer.on('ack', ({ body }) => console.log(`done: ${body.url}`));
consumer.on('failed', ({ message, error }) => console.log(`failed: ${message.body.url}: ${error}`));
consumer.on('error', ({ error }) => console.error(error));

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => consumer.stop({ deadlineMs: 20_000 }));
}
await consumer.done;
