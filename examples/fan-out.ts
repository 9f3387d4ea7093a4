/** Fan-out: one publish reaches the queue of each subscription. Each service receives at its own pace, also later. */
import { dumbwaiter } from './connect.ts';

const orders = dumbwaiter.topic<{ order: number }>('new-orders');
await orders.ensure();
await dumbwaiter.queue('order-archive').ensure({ retentionSeconds: null });
await Promise.all([
  orders.subscription('billing').ensure({ settings: { visibilityTimeoutSeconds: 60 } }),
  orders.subscription('kitchen').ensure(),
  orders.subscription('archive').ensure({ queue: 'order-archive' }),
]);

const { subscriptions } = await orders.publish({ body: { order: 1 } });
console.log(`reached ${subscriptions}`);

const queues = [
  orders.subscription('billing').queue(),
  dumbwaiter.queue<{ order: number }>('new-orders~kitchen'), // The same, by its name.
  dumbwaiter.queue<{ order: number }>('order-archive'),
];
for (const queue of queues) {
  const [message] = await queue.receive({ waitSeconds: 5 });
  console.log(`${queue.name}: order ${message?.body.order} of ${message?.attributes.topic}`);
  await message?.ack();
}
