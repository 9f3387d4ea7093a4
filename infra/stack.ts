import { type App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Dumbwaiter } from './dumbwaiter.ts';

/**
 * One Dumbwaiter as a stack of its own. Context (`-c name=value`, or cdk.json): `stack`, the stack's name; `queues`, JSON as the
 * construct takes them; `removable=true`, to lose everything on `cdk destroy`.
 */
export function addStack(app: App): Stack {
  const context = (name: string): unknown => app.node.tryGetContext(name);
  const stack = new Stack(app, String(context('stack') ?? 'Dumbwaiter'), {
    description: 'Dumbwaiter: a message queue on DynamoDB, Lambda and API Gateway',
  });
  const removable = String(context('removable')) === 'true';
  const queues = context('queues') ?? {};
  const dumbwaiter = new Dumbwaiter(stack, 'Dumbwaiter', {
    queues: typeof queues === 'string' ? JSON.parse(queues) : queues,
    deletionProtection: !removable,
    removalPolicy: removable ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
  });
  dumbwaiter.addOutputs();
  return stack;
}
