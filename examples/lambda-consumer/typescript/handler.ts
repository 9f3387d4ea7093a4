/** A handler that was written for SQS. It names the messages that failed, and the others are done. */
interface Event {
  Records: { messageId: string; body: string }[];
}

interface Order {
  order: number;
  amount: number;
}

export async function handler({ Records }: Event) {
  const batchItemFailures: { itemIdentifier: string }[] = [];
  for (const { messageId, body } of Records) {
    try {
      charge(JSON.parse(body));
    } catch (error) {
      console.error(messageId, error);
      batchItemFailures.push({ itemIdentifier: messageId });
    }
  }
  return { batchItemFailures };
}

function charge({ order, amount }: Order): void {
  if (amount <= 0) throw new Error(`order ${order} has no amount`);
  console.error(`order ${order}: charged ${amount}`);
}
