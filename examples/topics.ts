/** Topics: publish once, reach many. Subscriptions choose by subject and filter. Two programs share the work of one of them. */
import { dumbwaiter } from './connect.ts';

interface Order {
  order: number;
  country: string;
}

const events = dumbwaiter.topic<Order>('order-events');
await events.ensure();
await Promise.all([
  events.subscription('billing').ensure({ subject: 'orders.*.paid', settings: { visibilityTimeoutSeconds: 60 } }),
  events.subscription('german-tax').ensure({ filter: { country: ['DE'] }, filterScope: 'body' }),
]);

// Each program that listens gets every message from now on.
const listener = await events.broadcast(({ body }) => console.log(`broadcast: ${body.order}`), { subject: 'orders.>' });

const { subscriptions } = await events.publish({ body: { order: 1, country: 'DE' }, subject: 'orders.web.paid' });
console.log(`order 1 reached ${subscriptions}`);
await events.publish([
  { body: { order: 2, country: 'FR' }, subject: 'orders.app.paid' },
  { body: { order: 3, country: 'FR' }, subject: 'orders.app.cancelled' },
]);

const { matches, failed } = await events.subscription('german-tax').test({ body: { order: 3, country: 'FR' } });
console.log(matches, failed?.path, failed?.value);

// Consumers of one subscription are a work group: each message goes to one of them.
const billing = events.subscription('billing').queue();
const workers = [1, 2].map(() =>
  billing.consume(({ body, attributes }) => console.log(`bill ${body.order}: ${attributes.subject}`)),
);

let [billed, heard] = [0, 0];
for (const worker of workers) worker.on('ack', () => ++billed === 2 && Promise.all(workers.map((each) => each.stop())));
listener.consumer.on('ack', () => ++heard === 3 && listener.stop());
await Promise.all([...workers, listener.consumer].map(({ done }) => done));
await events.delete({ force: true });
