/** Filters: a subscription gets only some messages of its topic, by their attributes or their body. It can be tried on a message. */
import { dumbwaiter } from './connect.ts';

interface Sale {
  total: number;
  customer: { country: string };
  lines: { sku: string }[];
  gift?: boolean;
}

const sales = dumbwaiter.topic<Sale>('sales-in-typescript');
await sales.ensure();

const big = sales.subscription('big');
await big.ensure({
  filterScope: 'body',
  filter: {
    total: [{ numeric: ['>=', 100] }],
    customer: { country: ['DE', { prefix: 'A' }] },
    $or: [{ lines: { sku: [{ wildcard: 'wine-*' }] } }, { gift: [true] }],
  },
});

const { matches, failed } = await big.test({
  body: { total: 20, customer: { country: 'AT' }, lines: [{ sku: 'wine-red' }] },
});
console.log(matches, failed?.path, failed?.value);

await sales.publish([
  { body: { total: 120, customer: { country: 'AT' }, lines: [{ sku: 'bread' }, { sku: 'wine-red' }] } },
  { body: { total: 150, customer: { country: 'DE' }, lines: [{ sku: 'bread' }] } },
]);
for (const message of await big.queue().receive({ max: 10 })) {
  console.log(`${message.body.total} from ${message.body.customer.country}`);
  await message.ack();
}
await sales.delete({ force: true });
