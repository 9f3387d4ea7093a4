/** Publishes records with a key to a topic. Records of one key stay in order: the key is the group of the message. */
import { dumbwaiter } from '../../connect.ts';

const payments = dumbwaiter.topic<{ cents: number }>('payments');
await payments.create();
for (const [account, cents] of [
  ['ada', 100],
  ['bob', 250],
  ['ada', -30],
] as const) {
  const { id } = await payments.publish({ group: account, body: { cents } });
  console.log(`${account} ${cents} is ${id}`);
}
