/** The same client over Lambda invoke: IAM replaces the API key, and no API Gateway is involved. */
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
