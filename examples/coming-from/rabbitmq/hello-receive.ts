/** Hello: prints each message of a queue. The consumer acks it when the handler returns. */
import { dumbwaiter } from '../../connect.ts';

const hello = dumbwaiter.queue<string>('hello');
await hello.create();
const consumer = hello.consume(({ body }) => console.log(`received ${body}`));
process.once('SIGINT', () => consumer.stop());
await consumer.done;
