/** A consumer of a group, such as `consumer.ts billing`. Consumers of one group share the records. Each group gets them all. */
import { dumbwaiter } from '../../connect.ts';

const group = process.argv[2] ?? 'billing';
const payments = dumbwaiter.topic<{ cents: number }>('payments');
await payments.create();
// The group gets what is published from now on, whether a consumer runs or not.
await payments.subscribe(group);
console.log(`${group} is waiting`);

// A handled record is acked: that is its commit. One consumer at a time has the records of a key.
const consumer = payments
  .subscription(group)
  .queue()
  .consume(({ body, group: account }) => console.log(`${account} ${body.cents}`));
process.once('SIGINT', () => consumer.stop());
await consumer.done;
