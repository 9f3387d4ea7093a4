/** Routing: a message has a subject, and each subscription a pattern of the subjects that it wants. */
import { dumbwaiter } from './connect.ts';

const readings = dumbwaiter.topic<number>('readings');
await readings.ensure();
await Promise.all([
  readings.subscription('ovens').ensure({ subject: 'kitchen.*.celsius' }),
  readings.subscription('kitchen').ensure({ subject: 'kitchen.>' }),
  readings.subscription('everything').ensure(),
]);

for (const [subject, body] of [
  ['kitchen.oven-1.celsius', 220],
  ['kitchen.oven-1.door.open', 1],
  ['cellar.freezer.celsius', -18],
] as const) {
  const { subscriptions } = await readings.publish({ subject, body });
  console.log(`${subject} reached ${subscriptions}`);
}

const [message] = await readings.subscription('ovens').queue().receive({ max: 10, waitSeconds: 5 });
console.log(`${message?.attributes.subject}: ${message?.body}`);
await message?.ack();
