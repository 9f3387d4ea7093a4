import { Dumbwaiter } from '../sdk/index.ts';

const dumbwaiter = new Dumbwaiter({
  url: process.env.DUMBWAITER_URL ?? 'http://127.0.0.1:8420',
  apiKey: process.env.DUMBWAITER_API_KEY ?? '',
});
const orders = dumbwaiter.queue<{ dish: string; table: number }>('orders');

await orders.create();
await orders.publish([{ body: { dish: 'soup', table: 4 } }, { body: { dish: 'tart', table: 7 } }]);

const consumer = orders.consume(({ body }) => {
  console.log(`${body.dish} for table ${body.table}`);
});
consumer.on('idle', () => consumer.stop());
await consumer.done;
