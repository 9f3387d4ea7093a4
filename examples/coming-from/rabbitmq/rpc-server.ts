/** RPC: answers requests. What the handler returns is the reply. Start several: each request goes to one of them. */
import { dumbwaiter } from '../../connect.ts';

const prices = dumbwaiter.queue<{ dish: string }>('prices');
await prices.ensure({ keep: { doneSeconds: 60 } });
const consumer = prices.consume(({ body }) => body.dish.length * 100, { reply: true });
process.once('SIGINT', () => consumer.stop());
await consumer.done;
