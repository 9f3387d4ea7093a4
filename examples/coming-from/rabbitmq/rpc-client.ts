/** RPC: asks for the price of a dish, such as `rpc-client.ts soup`, and waits for the reply. */
import { dumbwaiter } from '../../connect.ts';

const dish = process.argv[2] ?? 'soup';
const prices = dumbwaiter.queue<{ dish: string }>('prices');
await prices.ensure({ keep: { doneSeconds: 60 } });
const cents = await prices.call<number>({ dish }, { timeoutSeconds: 20 });
console.log(`${dish} costs ${cents}`);
