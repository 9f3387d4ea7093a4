/** Publish/subscribe: publishes prices to a topic, with a property by which subscribers select. */
import { dumbwaiter } from '../../connect.ts';

const prices = dumbwaiter.topic<string>('stock-prices');
await prices.create();
for (const [symbol, price] of [
  ['SOUP', 4],
  ['TART', 7],
] as const) {
  const { subscriptions } = await prices.publish({ body: `${symbol} at ${price}`, attributes: { symbol, price } });
  console.log(`${symbol} sent to ${subscriptions}`);
}
