import { CustomResource, Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { QueueSettings } from '../sdk/contract.ts';
import type { NodeFunction } from './node-function.ts';

/** What `functions/declare-queues.ts` reads: CloudFormation hands every property over as text, so the settings travel as JSON. */
export interface DeclareQueuesProperties {
  queuesJson: string;
}

const timeout = Duration.minutes(2);

/** Queues declared in code: each deployment creates those that are new, and sets the settings of those that are there. It removes none. */
export class DeclaredQueues extends Construct {
  constructor(scope: Construct, id: string, props: { handler: NodeFunction; queues: Record<string, Partial<QueueSettings>> }) {
    super(scope, id);
    const properties: DeclareQueuesProperties = { queuesJson: JSON.stringify(props.queues) };
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
