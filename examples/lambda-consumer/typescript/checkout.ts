/** Publishes an order. The stack connects this function: the queue's URL, name and API key are in its environment. */
import { environmentTransport } from '../../../sdk/aws/environment-transport.ts';
import { Dumbwaiter } from '../../../sdk/index.ts';

const dumbwaiter = new Dumbwaiter({ transport: environmentTransport() });
const orders = dumbwaiter.queue<{ order: number; amount: number }>(process.env.DUMBWAITER_QUEUE ?? 'orders');

export async function handler(order: { order: number; amount: number }) {
  return orders.publish({ body: order });
}
