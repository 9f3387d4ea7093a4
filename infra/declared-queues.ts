import { CustomResource, Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { QueueSettingsInput, ScheduleInput } from '../contract/contract.ts';
import { checkDeclarations } from './declared-settings.ts';
import type { NodeFunction } from './node-function.ts';

/** What `functions/lambda/declare-queues.ts` reads: CloudFormation hands every property over as text, so what is declared travels as JSON. */
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

/** Queues and schedules declared in code: each deployment creates those that are new, and sets those that are there. It removes none. */
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
    // The policy that lets the handler at the table is a resource of its own, and must be there first.
    resource.node.addDependency(props.handler);
  }
}
