/**
 * The custom resource by which a stack declares queues, topics, schedules and the targets of its consumers. Its handler is
 * `functions/lambda/declare-queues.ts`.
 */
import { CustomResource, Duration, Lazy } from 'aws-cdk-lib';
import { Construct, type IDependable } from 'constructs';
import type { TargetInput } from '../contract/contract.ts';
import type { Declarations } from './declaration-checks.ts';
import type { NodeFunction } from './node-function.ts';

/** The properties that the handler reads. They are JSON text, because CloudFormation passes every property as a string. */
interface DeclareQueuesProperties {
  queuesJson: string;
  topicsJson: string;
  schedulesJson: string;
  /** Absent without consumers. */
  targetsJson: string;
}

interface DeclaredQueuesProps extends Declarations {
  handler: NodeFunction;
}

const timeout = Duration.minutes(2);

/**
 * Each deployment creates what is new and updates what exists. Queues, topics and schedules that are no longer declared stay. Targets are
 * removed, because they are nothing without their functions.
 */
export class DeclaredQueues extends Construct {
  readonly #resource: CustomResource;
  readonly #targets = new Map<string, Map<string, TargetInput>>();

  constructor(scope: Construct, id: string, { handler, queues, topics, schedules }: DeclaredQueuesProps) {
    super(scope, id);
    const properties: DeclareQueuesProperties = {
      queuesJson: JSON.stringify(queues),
      topicsJson: JSON.stringify(topics),
      schedulesJson: JSON.stringify(schedules),
      targetsJson: Lazy.string({ produce: () => this.#targetsJson() }),
    };
    this.#resource = new CustomResource(this, 'Resource', {
      resourceType: 'Custom::DumbwaiterQueues',
      serviceToken: handler.function.functionArn,
      serviceTimeout: timeout,
      properties,
    });
    // The handler's policy is a separate resource and must exist before the handler is invoked.
    this.#resource.node.addDependency(handler);
  }

  /** `after`: what must exist before messages can be delivered to the target. */
  addTarget(queue: string, name: string, target: TargetInput, after: IDependable): void {
    const targets = this.#targets.get(queue) ?? new Map<string, TargetInput>();
    if (targets.has(name)) {
      throw new Error(`${this.node.path}: the queue ${queue} has two consumers named ${name}. Give one another \`name\`.`);
    }
    this.#targets.set(queue, targets.set(name, target));
    this.#resource.node.addDependency(after);
  }

  hasTargets(): boolean {
    return this.#targets.size > 0;
  }

  #targetsJson(): string | undefined {
    const targets = [...this.#targets].map(([queue, ofQueue]) => [queue, Object.fromEntries(ofQueue)]);
    return this.hasTargets() ? JSON.stringify(Object.fromEntries(targets)) : undefined;
  }
}
