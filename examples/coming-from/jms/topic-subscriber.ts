/** Publish/subscribe: a durable subscriber with a selector, here `price >= 5`. It also gets what comes while it does not run. */
import { dumbwaiter } from '../../connect.ts';

const prices = dumbwaiter.topic<string>('stock-prices');
await prices.create();
const durable = prices.subscription(process.argv[2] ?? 'ledger');
await durable.ensure({ filter: { price: [{ numeric: ['>=', 5] }] } });
console.log('subscribed');
const consumer = durable.queue().consume(({ body }) => console.log(body));
process.once('SIGINT', () => consumer.stop());
await consumer.done;
