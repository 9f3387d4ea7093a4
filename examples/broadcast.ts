/** Broadcast: every instance of a program gets every message, for as long as it runs. */
import { dumbwaiter } from './connect.ts';

const menu = dumbwaiter.topic<{ dish: string; cents: number }>('menu-changes');
await menu.ensure();

const first = await startInstance();
const second = await startInstance();
await menu.publish({ body: { dish: 'soup', cents: 450 } });
await Promise.all([first.updated, second.updated]);
console.log(first.prices.get('soup'), second.prices.get('soup'));

await Promise.all([first.listener.stop(), second.listener.stop()]);
console.log(`${(await menu.describe()).subscriptions} subscriptions left`);

/** What each instance does when it starts: it keeps its own copy of the prices up to date. */
async function startInstance() {
  const prices = new Map([['soup', 400]]);
  const listener = await menu.broadcast(({ body }) => {
    prices.set(body.dish, body.cents);
  });
  const updated = new Promise((resolve) => listener.consumer.on('ack', resolve));
  return { prices, listener, updated };
}
