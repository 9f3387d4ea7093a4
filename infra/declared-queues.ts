/**
 * The custom resource by which a stack declares queues and schedules. Its handler is `functions/lambda/declare-queues.ts`. They are
 * validated at synth, by the API's own schemas: a mistake fails `cdk synth`, not a deployment halfway.
 */
import { CustomResource, Duration, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { QueueSettingsInput, ScheduleInput } from '../contract/contract.ts';
import { DumbwaiterError } from '../contract/errors.ts';
import { inputs, parseParams } from '../contract/schemas/parse.ts';
import { parseOptions, refusalMessage } from '../contract/schemas/refusal.ts';
import type { NodeFunction } from './node-function.ts';

/** The properties that the handler reads. They are JSON text, because CloudFormation passes every property as a string. */
interface DeclareQueuesProperties {
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

/** Throws an error that names the field by its path in the props, such as `queues.orders.deadLetter.maxReceives`. */
function checkDeclarations(at: string, queues: Record<string, unknown>, schedules: Record<string, unknown>): void {
  const faults = [
    ...Object.entries(queues).flatMap(([queue, settings]) => [
      ...faultsOfName('queues', queue, () => parseParams('createQueue', { queue })),
      ...faultsOf(inputs.createQueue, settings, `queues.${queue}`),
    ]),
    ...Object.entries(schedules).flatMap(([name, schedule]) => [
      ...faultsOfName('schedules', name, () => parseParams('putSchedule', { name })),
      ...faultsOf(inputs.putSchedule, schedule, `schedules.${name}`),
    ]),
  ];
  if (faults.length > 0) throw new Error([`${at}: what it declares would be refused.`, ...faults].join('\n  '));
}

function faultsOf(schema: (typeof inputs)['createQueue' | 'putSchedule'], given: unknown, within: string): string[] {
  const parsed = schema.safeParse(given, parseOptions);
  if (parsed.success) return [];
  // A value that is known only at deployment, such as the name of a function, is validated at deployment.
  const issues = parsed.error.issues.filter(({ code, path }) => {
    const value = path.reduce(memberOf, given);
    return !Token.isUnresolved(value) && !(code === 'invalid_union' && hasUnresolved(value));
  });
  return issues.length === 0 ? [] : [refusalMessage(issues, within)];
}

function faultsOfName(list: string, name: string, parse: () => unknown): string[] {
  try {
    parse();
    return [];
  } catch (error) {
    if (!(error instanceof DumbwaiterError)) throw error;
    return [`${list}: the name ${JSON.stringify(name)}: ${error.message}`];
  }
}

function memberOf(value: unknown, name: PropertyKey): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[name] : undefined;
}

function hasUnresolved(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.values(value).some((member) => Token.isUnresolved(member));
}
