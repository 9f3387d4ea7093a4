/** The CDK app of `consumers.test.ts`: the example's stack, which the test can observe and remove; or the same without its consumers. */
import { App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { ConsumerStack } from '../../examples/lambda-consumer/stack.ts';
import { Dumbwaiter, type DumbwaiterProps } from '../../infra/index.ts';

const app = new App();
const id = String(app.node.tryGetContext('stack'));
const keep = { doneSeconds: 3600, deadSeconds: 3600 };
const failing = { deadLetter: { queue: 'failed', maxReceives: 2 }, backoff: { minSeconds: 1, maxSeconds: 300 }, keep };
const props: DumbwaiterProps = {
  queues: { orders: failing, mails: failing, hooks: { keep }, failed: {} },
  push: true,
  pushAllowedHosts: ['127.0.0.1'],
  deletionProtection: false,
  removalPolicy: RemovalPolicy.DESTROY,
};
if (app.node.tryGetContext('consumers') === 'none') new Dumbwaiter(new Stack(app, id), 'Dumbwaiter', props);
else new ConsumerStack(app, id, props);
