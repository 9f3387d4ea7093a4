/** The custom resource by which a stack declares queues and schedules. Its handler is `functions/lambda/declare-queues.ts`. */
import { CustomResource, Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { QueueSettingsInput, ScheduleInput } from '../contract/contract.ts';
import { checkDeclarations } from './declared-settings.ts';
import type { NodeFunction } from './node-function.ts';

/** The properties that the handler reads. They are JSON text, because CloudFormation passes every property as a string. */
export interface DeclareQueuesProperties {
  queuesJson: string;
  schedulesJson: string;
}

interface DeclaredQueuesProps {
  handler: NodeFunction;
  queues: Record<string, QueueSettingsInput>;
  schedules: Record<string, ScheduleInput>;
}

const timeout = Duration.minutes(2);

/** Queues and schedules declared in code. Each deployment creates new ones and updates existing ones. It deletes none. */
export class DeclaredQueues extends Construct {
  constructor(scope: Construct, id: string, props: DeclaredQueuesProps) {
    super(scope, id);
    checkDeclarations(scope.node.path, props.queues, props.schedules);
    const properties: DeclareQueuesProperties = {
      queuesJson: JSON.stringify(props.queues),
      schedulesJson: JSON.stringify(props.schedules),
    };
    const resource = new CustomResource(this, 'Resource', {
      resourceType: 'Custom::DumbwaiterQueues',
      serviceToken: props.handler.function.functionArn,
      serviceTimeout: timeout,
      properties,
    });
    // The handler's policy is a separate resource and must exist before the handler is invoked.
    resource.node.addDependency(props.handler);
  }
}
