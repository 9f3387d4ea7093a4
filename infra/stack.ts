import { type App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Dumbwaiter } from './dumbwaiter.ts';

/**
 * One Dumbwaiter as a stack of its own. Context (`-c name=value`, or cdk.json): `stack`, the stack's name; `queues` and `schedules`,
 * JSON as the construct takes them; `reserveSweepConcurrency=true`; `removable=true`, to lose everything on `cdk destroy`.
 */
export function addStack(app: App): Stack {
  const context = (name: string): unknown => app.node.tryGetContext(name);
  const stack = new Stack(app, String(context('stack') ?? 'Dumbwaiter'), {
    description: 'Dumbwaiter: a message queue on DynamoDB, Lambda and API Gateway',
  });
  const isOn = (name: string) => String(context(name)) === 'true';
  const removable = isOn('removable');
  const declared = (name: string) => {
    const given = context(name) ?? {};
    return typeof given === 'string' ? JSON.parse(given) : given;
  };
  const dumbwaiter = new Dumbwaiter(stack, 'Dumbwaiter', {
    queues: declared('queues'),
    schedules: declared('schedules'),
    reserveSweepConcurrency: isOn('reserveSweepConcurrency'),
    deletionProtection: !removable,
    removalPolicy: removable ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
  });
  dumbwaiter.addOutputs();
  return stack;
}
