/** The Lambda functions of a deployment, with their permissions, timeouts and schedule. */
import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as FunctionTarget } from 'aws-cdk-lib/aws-events-targets';
import { RecursiveLoop } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { Scope } from '../contract/contract.ts';
import type { FunctionsProps } from './functions-props.ts';
import { allowItself, NodeFunction, type NodeFunctionProps } from './node-function.ts';
import {
  allowTables,
  apiAccess,
  declareQueuesAccess,
  dispatchAccess,
  httpReceiveAccess,
  invocableAccess,
  messageAccess,
  removeDeclaredAccess,
  sweepAccess,
  type TableAccess,
} from './table-access.ts';

export type AddedProps = Pick<NodeFunctionProps, 'entry' | 'description'> & Partial<NodeFunctionProps>;

/** Longer than the longest wait of a receive, shorter than API Gateway's limit of 30 s. */
const apiTimeout = Duration.seconds(29);
const sweepPeriod = Duration.minutes(1);
const sweepTimeout = Duration.minutes(1);
/** Lambda's maximum. A task that takes longer continues in another invocation. */
const redriveTimeout = Duration.minutes(15);
const declareQueuesTimeout = Duration.minutes(1);
/** In MB. A function that mostly waits is billed for its memory meanwhile. docs/operating.md says what this does to its speed. */
export const waitingMemorySize = 256;
/** Lambda's maximum. It begins deliveries in the first third, so that the last one has the rest. */
const dispatchTimeout = Duration.minutes(15);

/** Each function has its own role, which allows only what the function does. */
export class Functions extends Construct {
  /** Behind the HTTP API, where API keys decide. A principal that may invoke it directly may do everything. */
  readonly api: NodeFunction;
  /** The api's code, only for direct invocation by principals that may only publish. */
  readonly publish: NodeFunction;
  /** The api's code, behind the routes of the HTTP API whose calls may wait. Its executions cannot use up those of `api`. */
  readonly httpReceive: NodeFunction;
  /** The api's code, only for direct invocation by principals that may only receive. */
  readonly receive: NodeFunction;
  readonly sweep: NodeFunction;
  readonly redrive: NodeFunction;
  readonly declareQueues: NodeFunction;
  readonly #props: FunctionsProps;
  readonly #added = new Map<string, NodeFunction>();

  constructor(scope: Construct, id: string, props: FunctionsProps) {
    super(scope, id);
    this.#props = props;
    this.redrive = this.#redrive();
    this.api = this.#api();
    this.publish = this.#invocable('Publish', 'publish', invocableAccess);
    this.receive = this.#invocable('Receive', 'receive', invocableAccess);
    this.httpReceive = this.#httpReceive();
    this.sweep = this.#sweep();
    this.declareQueues = this.#declareQueues();
  }

  /** All functions, by the names in their alarms and metrics. */
  all(): ReadonlyMap<string, NodeFunction> {
    return new Map([...this.engines(), ['DeclareQueues', this.declareQueues]]);
  }

  /** Functions that run the engine. Their logs report dead-lettered and expired messages. */
  engines(): ReadonlyMap<string, NodeFunction> {
    return new Map([...this.callable(), ['Sweep', this.sweep], ['Redrive', this.redrive]]);
  }

  /** Functions that answer callers. */
  callable(): ReadonlyMap<string, NodeFunction> {
    return new Map([
      ['Api', this.api],
      ['Publish', this.publish],
      ['Receive', this.receive],
      ['HttpReceive', this.httpReceive],
      ...this.#added,
    ]);
  }

  /** Another function that answers callers, and may start redrives. */
  addCallable(name: string, props: AddedProps): NodeFunction {
    const environment = { DUMBWAITER_REDRIVE_FUNCTION: this.redrive.function.functionName };
    const added = this.add(name, { timeout: apiTimeout, environment, ...props });
    added.allow(['lambda:InvokeFunction'], [this.redrive.function.functionArn]);
    this.#added.set(name, added);
    return added;
  }

  /** The function that delivers messages to targets, which the sweep may invoke. Only for deployments that push messages. */
  addDispatch(): NodeFunction {
    const dispatch = this.add('Dispatch', {
      entry: 'dispatch',
      description: 'Dumbwaiter: delivers messages to functions and URLs',
      memorySize: waitingMemorySize,
      timeout: dispatchTimeout,
      environment: this.#allowedHosts(),
      // The function invokes itself for each queue, and to continue. The recursion is bounded: it ends when no message is left.
      recursiveLoop: RecursiveLoop.ALLOW,
      // As for the sweep, whose next run invokes it again where messages wait.
      retryAttempts: 0,
      maxEventAge: sweepPeriod,
    });
    allowTables(dispatch, this.#props.tables, dispatchAccess);
    allowItself(this, 'ContinueDispatch', dispatch);
    this.sweep.function.addEnvironment('DUMBWAITER_DISPATCH_FUNCTION', dispatch.function.functionName);
    this.sweep.allow(['lambda:InvokeFunction'], [dispatch.function.functionArn]);
    return dispatch;
  }

  #api(): NodeFunction {
    const api = this.add('Api', {
      entry: 'api',
      description: 'Dumbwaiter: every operation, over HTTP and by invocation',
      timeout: apiTimeout,
      environment: {
        DUMBWAITER_ADMIN_KEY_SECRET: this.#props.adminKey.arn,
        DUMBWAITER_REDRIVE_FUNCTION: this.redrive.function.functionName,
        DUMBWAITER_INVOKE_SCOPES: 'publish,receive,admin',
        ...this.#allowedHosts(),
        ...this.#props.console.environment,
      },
      code: this.#props.console.code,
    });
    allowTables(api, this.#props.tables, apiAccess);
    this.#props.adminKey.allowReading(api);
    api.allow(['lambda:InvokeFunction'], [this.redrive.function.functionArn]);
    return api;
  }

  /** One function per scope, because IAM can allow a function but not single operations of it. */
  #invocable(id: string, scope: Scope, access: TableAccess): NodeFunction {
    const invocable = this.add(id, {
      entry: 'api',
      description: `Dumbwaiter: what the scope ${scope} allows, by invocation`,
      timeout: apiTimeout,
      environment: { DUMBWAITER_INVOKE_SCOPES: scope },
    });
    allowTables(invocable, this.#props.tables, access);
    return invocable;
  }

  #httpReceive(): NodeFunction {
    const { adminKey, receiveConcurrency, tables } = this.#props;
    const receive = this.add('HttpReceive', {
      entry: 'api',
      description: 'Dumbwaiter: over HTTP, what may wait for a message or a result',
      timeout: apiTimeout,
      memorySize: waitingMemorySize,
      environment: { DUMBWAITER_ADMIN_KEY_SECRET: adminKey.arn, DUMBWAITER_INVOKE_SCOPES: 'receive' },
      ...(receiveConcurrency === undefined ? {} : { reservedConcurrentExecutions: receiveConcurrency }),
    });
    allowTables(receive, tables, httpReceiveAccess);
    adminKey.allowReading(receive);
    return receive;
  }

  #sweep(): NodeFunction {
    const sweep = this.add('Sweep', {
      entry: 'sweep',
      description: 'Dumbwaiter: each minute, processes messages that are due in queues without receivers',
      timeout: sweepTimeout,
      environment: { DUMBWAITER_REDRIVE_FUNCTION: this.redrive.function.functionName, ...this.#allowedHosts() },
      ...(this.#props.reserveSweepConcurrency ? { reservedConcurrentExecutions: 1 } : {}),
      // EventBridge invokes asynchronously, so Lambda itself would retry a failed run and queue a throttled one. The next run is at most a
      // minute away: a retry, or an event older than that, would only overlap with it.
      retryAttempts: 0,
      maxEventAge: sweepPeriod,
    });
    allowTables(sweep, this.#props.tables, sweepAccess);
    // The sweep restarts redrive tasks whose function died.
    sweep.allow(['lambda:InvokeFunction'], [this.redrive.function.functionArn]);
    // EventBridge's own limits, for events that Lambda did not accept.
    const target = new FunctionTarget(sweep.function, { retryAttempts: 0, maxEventAge: sweepPeriod });
    new Rule(this, 'EachMinute', { schedule: Schedule.rate(sweepPeriod), targets: [target] });
    return sweep;
  }

  #redrive(): NodeFunction {
    const redrive = this.add('Redrive', {
      entry: 'redrive',
      description: 'Dumbwaiter: moves dead-lettered messages back, as a task',
      timeout: redriveTimeout,
      // The function invokes itself to continue a long task. The recursion is bounded: every task ends.
      recursiveLoop: RecursiveLoop.ALLOW,
    });
    allowTables(redrive, this.#props.tables, messageAccess);
    allowItself(this, 'ContinueRedrive', redrive);
    return redrive;
  }

  #declareQueues(): NodeFunction {
    const declareQueues = this.add('DeclareQueues', {
      entry: 'declare-queues',
      description: 'Dumbwaiter: creates the queues and schedules that the stack declares',
      timeout: declareQueuesTimeout,
    });
    const { tables, declaresSchedules } = this.#props;
    allowTables(declareQueues, tables, declaresSchedules ? messageAccess : declareQueuesAccess);
    allowTables(declareQueues, tables, removeDeclaredAccess);
    return declareQueues;
  }

  #allowedHosts(): Record<string, string> {
    const { pushAllowedHosts } = this.#props;
    return pushAllowedHosts.length === 0 ? {} : { DUMBWAITER_PUSH_ALLOWED_HOSTS: pushAllowedHosts.join(',') };
  }

  /** Adds a function, which knows the names of the tables. */
  add(id: string, props: AddedProps & Pick<NodeFunctionProps, 'timeout'>): NodeFunction {
    const { tables, memorySize, logRetention, removalPolicy, tracing } = this.#props;
    return new NodeFunction(this, id, {
      memorySize,
      logRetention,
      removalPolicy,
      tracing,
      ...props,
      environment: {
        DUMBWAITER_MESSAGES_TABLE: tables.messages.tableName,
        DUMBWAITER_LEASES_TABLE: tables.leases.tableName,
        DUMBWAITER_QUEUES_TABLE: tables.queues.tableName,
        ...props.environment,
      },
    });
  }
}
