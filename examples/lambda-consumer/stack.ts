/** A stack with two queues, a function for the messages of each, one in TypeScript, one in Python, and a function that publishes. */
import { join } from 'node:path';
import { type App, Duration, Stack } from 'aws-cdk-lib';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import { Dumbwaiter, type DumbwaiterProps } from '../../infra/index.ts';

const deadLetter = { queue: 'failed', maxReceives: 2 };
const backoff = { minSeconds: 1, maxSeconds: 300 };
const timeout = Duration.seconds(30);

export class ConsumerStack extends Stack {
  constructor(app: App, id: string, props: DumbwaiterProps = {}) {
    super(app, id);
    const dumbwaiter = new Dumbwaiter(this, 'Dumbwaiter', {
      queues: { orders: { deadLetter, backoff }, mails: { deadLetter, backoff }, failed: {} },
      ...props,
    });
    const checkout = new NodejsFunction(this, 'Checkout', {
      entry: join(import.meta.dirname, 'typescript', 'checkout.ts'),
      runtime: Runtime.NODEJS_24_X,
      timeout,
    });
    dumbwaiter.queue('orders').connect(checkout, { scopes: ['publish'] });
    const charge = new NodejsFunction(this, 'Charge', {
      entry: join(import.meta.dirname, 'typescript', 'handler.ts'),
      runtime: Runtime.NODEJS_24_X,
      timeout,
    });
    dumbwaiter.queue('orders').addConsumer(charge, { batchSize: 20, maxConcurrency: 5, reportBatchItemFailures: true });
    const send = new LambdaFunction(this, 'Send', {
      code: Code.fromAsset(join(import.meta.dirname, 'python')),
      handler: 'handler.handler',
      runtime: Runtime.PYTHON_3_13,
      timeout,
    });
    dumbwaiter.queue('mails').addConsumer(send, { maxBatchingWindow: Duration.seconds(1) });
  }
}
