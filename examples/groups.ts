/** Groups: the events of one account are handled in order, in parallel with those of other accounts. */
import { dumbwaiter } from './connect.ts';

const events = dumbwaiter.queue<string>('events');
await events.create();
await events.publish([
  { body: 'open', group: 'account-1' },
  { body: 'deposit', group: 'account-1' },
  { body: 'open', group: 'account-2' },
]);

const worker = events.consume(
  ({ body, group }) => {
    console.log(`${group}: ${body}`);
  },
  { concurrency: 8 },
);
worker.on('idle', () => worker.stop());
await worker.done;
