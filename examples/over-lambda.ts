/** The same client by Lambda invoke: with IAM in place of an API key, and no API Gateway between. */
import { Dumbwaiter } from '../sdk/index.ts';
import { lambdaTransport } from '../sdk/transports/lambda.ts';

const dumbwaiter = new Dumbwaiter({
  transport: lambdaTransport({ functionName: process.env.DUMBWAITER_FUNCTION ?? 'dumbwaiter-api' }),
});

const events = dumbwaiter.queue<string>('events');
await events.create();
await events.publish({ body: 'invoked' });
const [message] = await events.receive();
console.log(message?.body);
await message?.ack();
