/** Filters: a subscription gets the messages whose attributes, or whose body, meet its conditions. */
import { dumbwaiter } from './connect.ts';

const sales = dumbwaiter.topic<{ total: number; customer: { country: string } }>('sales');
await sales.ensure();
await Promise.all([
  sales.subscription('web').ensure({ filter: { channel: ['web', { prefix: 'app-' }] } }),
  sales.subscription('large-abroad').ensure({
    filterScope: 'body',
    filter: { total: [{ numeric: ['>=', 100] }], customer: { country: [{ 'anything-but': 'DE' }] } },
  }),
]);

const small = { body: { total: 12, customer: { country: 'FR' } }, attributes: { channel: 'app-ios' } };
const large = { body: { total: 250, customer: { country: 'FR' } }, attributes: { channel: 'shop' } };
const results = await sales.publish([small, large]);
for (const result of results) console.log(result.ok && `reached ${result.subscriptions}`);

// Why does a message not arrive? This publishes nothing.
const { matches, failed } = await sales.subscription('large-abroad').test(small);
console.log(matches, failed?.path, JSON.stringify(failed?.condition), failed?.value);
