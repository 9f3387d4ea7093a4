/** Prepared messages: published before an action, and received only if the action succeeds. */
import { dumbwaiter } from './connect.ts';

const receipts = dumbwaiter.queue<{ order: number }>('receipts');
await receipts.create({ prepared: { timeoutSeconds: 600, checkBack: null } });

for (const order of [1, 2]) {
  const { id } = await receipts.publish({ id: `receipt-${order}`, body: { order }, prepared: true });
  try {
    await charge(order);
    await receipts.commit(id);
  } catch {
    await receipts.rollback(id);
  }
}
const messages = await receipts.receive({ max: 10 });
for (const message of messages) console.log(`a receipt for order ${message.body.order}`);
await receipts.ack(messages);

/** An action that cannot be part of a DynamoDB transaction, such as a call to another service. */
async function charge(order: number): Promise<void> {
  if (order === 2) throw new Error('no money');
}
