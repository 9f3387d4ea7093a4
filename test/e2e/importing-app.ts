/** A CDK app that imports the deployment of another app, by the outputs in its context, and has a key for one queue. */
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { AccountRootPrincipal, Role } from 'aws-cdk-lib/aws-iam';
import { Dumbwaiter } from '../../infra/index.ts';

const app = new App();
const stack = new Stack(app, String(app.node.tryGetContext('stack')));
const outputs = JSON.parse(String(app.node.tryGetContext('outputs')));
const { ApiUrl, QueuesTableName, DeclareQueuesFunctionName, DeclareQueuesRoleArn } = outputs;
const dumbwaiter = Dumbwaiter.fromAttributes(stack, 'Dumbwaiter', {
  apiUrl: ApiUrl,
  queuesTableName: QueuesTableName,
  declareQueuesFunctionName: DeclareQueuesFunctionName,
  declareQueuesRoleArn: DeclareQueuesRoleArn,
});
const orders = dumbwaiter.queue('orders');
orders.grantPublish(new Role(stack, 'Checkout', { assumedBy: new AccountRootPrincipal() }));
new CfnOutput(stack, 'KeySecretArn', { value: orders.keySecret('publish').secretArn });
