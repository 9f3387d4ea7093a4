/** Publish/subscribe: prints the log lines that are published while it runs. It has a queue of its own, which ends with it. */
import { dumbwaiter } from '../../connect.ts';

const logs = dumbwaiter.topic<string>('logs');
await logs.create();
const broadcast = await logs.broadcast(({ body }) => console.log(`received ${body}`));
console.log('waiting');
process.once('SIGINT', () => broadcast.stop());
await broadcast.consumer.done;
