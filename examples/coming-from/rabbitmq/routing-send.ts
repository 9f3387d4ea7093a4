/** Routing: publishes a log line with a severity, such as `routing-send.ts error "the oven is cold"`. */
import { dumbwaiter } from '../../connect.ts';

const [severity = 'info', line = 'the shop is open'] = process.argv.slice(2);
const logs = dumbwaiter.topic<string>('logs-by-severity');
await logs.create();
const { subscriptions } = await logs.publish({ body: line, attributes: { severity } });
console.log(`sent to ${subscriptions}`);
