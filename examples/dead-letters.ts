/** Dead letters: messages that cannot be handled are dead-lettered, inspected and redriven. */
import { dumbwaiter } from './connect.ts';

const dead = dumbwaiter.queue<{ amount: number }>('payments-dead');
const payments = dumbwaiter.queue<{ amount: number }>('payments');
await dead.create({ retentionSeconds: null });
await payments.create({ deadLetter: { queue: 'payments-dead', maxReceives: 5 } });

await payments.publish([{ body: { amount: 5 } }, { body: { amount: -5 } }]);
for (const message of await payments.receive({ max: 10 })) {
  if (message.body.amount > 0) await message.ack();
  else await message.release({ deadLetter: true, failed: 'negative amount' });
}

for await (const message of dead.peek({ state: 'dead', reason: 'rejected' }))
  console.log(
    `${message.body.amount} from ${message.deadLetter?.queue}, ${message.deadLetter?.reason}: ${message.deadLetter?.text}`,
  );

const redrive = await dead.redrive({ reason: 'rejected' });
const task = await redrive.wait({ pollMs: 50, onProgress: ({ moved }) => console.log(`${moved} moved`) });
console.log(task.state);

const [returned] = await payments.receive({ waitSeconds: 5 });
console.log(`back: ${returned?.body.amount}`);
await returned?.ack();
