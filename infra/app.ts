/**
 * The app that deploys one Dumbwaiter as a stack of its own. Context (`-c name=value`, or cdk.json):
 * `stack`, the stack's name; `queues`, JSON as the construct takes them; `removable=true`, to lose everything on `cdk destroy`.
 */
import { App, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { Dumbwaiter } from './index.ts';

const app = new App();
const stack = new Stack(app, app.node.tryGetContext('stack') ?? 'Dumbwaiter', {
  description: 'Dumbwaiter: a message queue on DynamoDB, Lambda and API Gateway',
});
const removable = String(app.node.tryGetContext('removable')) === 'true';
const queues = app.node.tryGetContext('queues') ?? {};
const dumbwaiter = new Dumbwaiter(stack, 'Dumbwaiter', {
  queues: typeof queues === 'string' ? JSON.parse(queues) : queues,
  deletionProtection: !removable,
  removalPolicy: removable ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
});
dumbwaiter.addOutputs();
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
