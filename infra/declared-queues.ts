/** The custom resource by which a stack declares queues, topics and schedules. Its handler is `functions/lambda/declare-queues.ts`. */
import { CustomResource, Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { checkDeclarations, type Declarations } from './declaration-checks.ts';
import type { NodeFunction } from './node-function.ts';

/** The properties that the handler reads. They are JSON text, because CloudFormation passes every property as a string. */
interface DeclareQueuesProperties {
  queuesJson: string;
  topicsJson: string;
  schedulesJson: string;
}

interface DeclaredQueuesProps extends Declarations {
  handler: NodeFunction;
}

const timeout = Duration.minutes(2);

/** Queues, topics and schedules declared in code. Each deployment creates new ones and updates existing ones. It deletes none. */
export class DeclaredQueues extends Construct {
  constructor(scope: Construct, id: string, { handler, queues, topics, schedules }: DeclaredQueuesProps) {
    super(scope, id);
    checkDeclarations(scope.node.path, { queues, topics, schedules });
    const properties: DeclareQueuesProperties = {
      queuesJson: JSON.stringify(queues),
      topicsJson: JSON.stringify(topics),
      schedulesJson: JSON.stringify(schedules),
    };
    const resource = new CustomResource(this, 'Resource', {
      resourceType: 'Custom::DumbwaiterQueues',
      serviceToken: handler.function.functionArn,
      serviceTimeout: timeout,
      properties,
    });
    // The handler's policy is a separate resource and must exist before the handler is invoked.
    resource.node.addDependency(handler);
  }
}
