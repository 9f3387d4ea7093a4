/** Publish/subscribe: publishes a log line to a topic. Each receiver that runs gets it. */
import { dumbwaiter } from '../../connect.ts';

const logs = dumbwaiter.topic<string>('logs');
await logs.create();
const { subscriptions } = await logs.publish({ body: process.argv[2] ?? 'the shop is open' });
console.log(`sent to ${subscriptions}`);
