/** Results: a queue keeps done messages with their results, and requests wait for their reply. */
import { DumbwaiterError } from '../sdk/index.ts';
import { dumbwaiter } from './connect.ts';

const quotes = dumbwaiter.queue<{ dish: string }>('quotes');
await quotes.create({ keep: { doneSeconds: 7 * 86_400, deadSeconds: 86_400 } });

const consumer = quotes.consume(
  async (message) => {
    await message.progress(0.5);
    return { dish: message.body.dish, cents: message.body.dish.length * 100 };
  },
  { reply: true },
);

const quote = await quotes.call<{ cents: number }>({ dish: 'soup' }, { timeoutSeconds: 10 });
console.log(`soup costs ${quote.cents}`);

const { id } = await quotes.publish({ body: { dish: 'tart' } });
const { state, progress, result } = await quotes.get(id, { waitSeconds: 20 });
console.log(`${state}, ${progress}: ${JSON.stringify(result)}`);

await consumer.stop();
try {
  await quotes.call({ dish: 'stew' }, { timeoutSeconds: 1 });
} catch (error) {
  if (!(error instanceof DumbwaiterError)) throw error;
  console.log(error.code);
}
