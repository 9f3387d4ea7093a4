/**
 * The construct that users put into their stack. This folder holds the construct and its parts (one file each), the CDK app of
 * `npm run deploy`, and the bundling of the functions.
 */
import { RemovalPolicy } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import type { Dashboard } from 'aws-cdk-lib/aws-cloudwatch';
import type { Grant } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { TargetInput } from '../contract/contract.ts';
import type { Alarms } from './alarms.ts';
import { apiConsole } from './console.ts';
import { checkConsumer, checkDeclarations, type Declarations } from './declaration-checks.ts';
import { DeclaredQueues } from './declared-queues.ts';
import type { DumbwaiterProps } from './dumbwaiter-props.ts';
import { DumbwaiterRef, type IDumbwaiter } from './dumbwaiter-ref.ts';
import { Functions } from './functions.ts';
import { GeneratedSecret } from './generated-secret.ts';
import { PublicApi } from './http-api.ts';
import { type DumbwaiterAttributes, ImportedDumbwaiter } from './imported-dumbwaiter.ts';
import type { Metrics } from './metrics.ts';
import { addMonitoring } from './monitoring.ts';
import type { NodeFunction } from './node-function.ts';
import { addOutputs } from './outputs.ts';
import { checkPropValues } from './prop-checks.ts';
import { checkPropNames } from './prop-names.ts';
import { addPush, checkRunTime } from './push.ts';
import { QueueKeys } from './queue-keys.ts';
import { QueueRef } from './queue-ref.ts';
import { addSqs, type Sqs } from './sqs.ts';
import { allowTables, declareTargetsAccess } from './table-access.ts';
import { Tables } from './tables.ts';
import { TopicRef } from './topic-ref.ts';
import { WakeUps } from './wake-ups.ts';

const defaults = {
  memorySize: 1024,
  rates: { requestsPerSecond: 1000, burst: 2000 },
} as const;

/**
 * Message queues in your own account: three DynamoDB tables, an HTTP API, and the functions behind it.
 *
 * ```ts
 * const dumbwaiter = new Dumbwaiter(this, 'Dumbwaiter', {
 *   queues: { orders: { deadLetter: { queue: 'orders-dead', maxReceives: 5 } }, 'orders-dead': {} },
 * });
 * dumbwaiter.queue('orders').connect(checkout);
 * dumbwaiter.queue('orders').addConsumer(charge);
 * ```
 *
 * There are two entry points: HTTP with an API key, and direct invocation of a function, which IAM authorizes. `connect` opens the first one,
 * for all queues or some. `grantPublish`, `grantReceive` and `grantAdmin` open the second one. Each lets its grantee invoke a function that
 * does what the scope of that name allows, on all queues, and refuses everything else.
 * `grantDirect`, `grantServe` and `grantTransactions` are for programs that work on the tables themselves.
 */
export class Dumbwaiter extends DumbwaiterRef {
  /** A deployment of another app in this account and Region, by its outputs. */
  static fromAttributes(scope: Construct, id: string, attributes: DumbwaiterAttributes): IDumbwaiter {
    return new ImportedDumbwaiter(scope, id, attributes);
  }

  readonly url: string;
  /** The API behind `url`, to add a firewall or more domains. Do not add routes: every path belongs to the queue. */
  readonly httpApi: HttpApi;
  readonly tables: Tables;
  readonly alarms: Alarms;
  readonly dashboard: Dashboard;
  readonly #adminKey: GeneratedSecret;
  readonly #sqs: Sqs | undefined;
  readonly #functions: Functions;
  readonly #metrics: Metrics;
  readonly #declarations: Declarations;
  #declared: DeclaredQueues | undefined;
  #dispatch: NodeFunction | undefined;
  #keys: QueueKeys | undefined;
  readonly #encryptionKey: IKey | undefined;

  constructor(scope: Construct, id: string, props: DumbwaiterProps = {}) {
    super(scope, id);
    checkPropNames(this.node.path, props);
    checkPropValues(this.node.path, props);
    const { queues = {}, topics = {}, schedules = {} } = props;
    this.#declarations = { queues, topics, schedules };
    checkDeclarations(this.node.path, this.#declarations);
    this.#encryptionKey = props.encryptionKey;
    const deletionProtection = props.deletionProtection ?? true;
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;
    const logs = { logRetention: props.logRetention ?? RetentionDays.ONE_MONTH, removalPolicy };
    this.tables = new Tables(this, 'Tables', {
      // CloudFormation cannot delete a protected table, not even in the rollback of a failed first deployment, so it must not try.
      removalPolicy: deletionProtection ? (props.removalPolicy ?? RemovalPolicy.RETAIN) : removalPolicy,
      deletionProtection,
      encryptionKey: props.encryptionKey,
      capacity: props.tableCapacity,
      existing: props.tables,
    });
    const sealed = { removalPolicy, encryptionKey: props.encryptionKey };
    this.#adminKey = new GeneratedSecret(this, 'AdminKey', {
      description: "Dumbwaiter's first admin key",
      rotatedByHand: 'Every holder of the key needs the new one, so the operator rotates it by hand: docs/operating.md, "Keys".',
      ...sealed,
    });
    this.#functions = new Functions(this, 'Functions', {
      ...logs,
      tables: this.tables,
      adminKey: this.#adminKey,
      memorySize: props.memorySize ?? defaults.memorySize,
      reserveSweepConcurrency: props.reserveSweepConcurrency ?? false,
      receiveConcurrency: props.receiveConcurrency,
      tracing: props.tracing ?? false,
      declaresSchedules: Object.keys(schedules).length > 0,
      pushAllowedHosts: props.pushAllowedHosts ?? [],
      console: apiConsole(this.node.path, props),
    });
    this.#sqs = addSqs(this, props, { functions: this.#functions, tables: this.tables, ...sealed });
    const { api, httpReceive } = this.#functions;
    const rates = props.throttle ?? defaults.rates;
    const http = new PublicApi(this, 'Http', {
      ...logs,
      handler: api.function,
      waitingHandler: httpReceive.function,
      sqsHandler: this.#sqs?.handler.function,
      hasConsole: props.console ?? false,
      ...rates,
      allowedOrigins: props.allowedOrigins ?? [],
      domainName: props.domainName,
      disableExecuteApiEndpoint: props.disableExecuteApiEndpoint ?? false,
    });
    this.httpApi = http.api;
    this.url = http.url;
    const monitored = { functions: this.#functions, tables: this.tables, stage: http.stage };
    const { metrics, alarms, dashboard } = addMonitoring(this, props, monitored);
    this.alarms = alarms;
    this.dashboard = dashboard;
    this.#metrics = metrics;
    if (Object.keys({ ...queues, ...topics, ...schedules }).length > 0) this.#declare();
    if (props.push) this.#push();
    if (props.wakeUps) {
      const parts = { functions: this.#functions, adminKey: this.#adminKey, metrics };
      new WakeUps(this, 'WakeUps', { ...logs, ...rates, ...parts, tables: this.tables, alarms, dashboard });
    }
    if (props.outputs ?? true) {
      const parts = { adminKey: this.#adminKey, functions: this.#functions, tables: this.tables, sqs: this.#sqs, metrics };
      addOutputs(this, { url: this.url, hasConsole: props.console ?? false, ...parts });
    }
  }

  queue(name: string): QueueRef {
    return new QueueRef(name, {
      scope: this,
      url: () => this.url,
      keys: () => this.queueKeys(),
      metric: (...metric) => this.#metrics.ofQueue(...metric),
      addConsumer: (...consumer) => this.#addConsumer(...consumer),
    });
  }

  topic(name: string): TopicRef {
    return new TopicRef(name, (...metric) => this.#metrics.ofTopic(...metric));
  }

  get adminKeySecret(): Secret {
    return this.#adminKey.secret;
  }

  get publishFunction(): IFunction {
    return this.#functions.publish.function;
  }

  get receiveFunction(): IFunction {
    return this.#functions.receive.function;
  }

  get adminFunction(): IFunction {
    return this.#functions.api.function;
  }

  /** Lets the queue ask this function whether to commit prepared messages. Also name the function in a queue's setting `prepared`. */
  grantCheckBack(target: IFunction): Grant {
    return target.grantInvoke(this.#functions.sweep.function);
  }

  protected serverSecrets(): GeneratedSecret[] {
    return [this.#adminKey, ...(this.#sqs ? [this.#sqs.accessKeySecret] : [])];
  }

  protected queueKeys(): QueueKeys {
    const { function: registrar, role } = this.#functions.declareQueues;
    this.#keys ??= new QueueKeys(this, 'Keys', {
      functionArn: registrar.functionArn,
      role,
      tables: this.tables,
      encryptionKey: this.#encryptionKey,
    });
    return this.#keys;
  }

  #addConsumer(queue: string, fn: IFunction, name: string, terms: Omit<TargetInput, 'functionName'>): void {
    const target = { functionName: fn.functionArn, ...terms };
    checkConsumer(this.node.path, queue, name, target);
    checkRunTime(this.node.path, fn);
    const dispatch = this.#push();
    dispatch.allow(['lambda:InvokeFunction'], [fn.functionArn]);
    if (!this.#declared?.hasTargets()) allowTables(this.#functions.declareQueues, this.tables, declareTargetsAccess);
    this.#declare().addTarget(queue, name, target, dispatch);
  }

  #declare(): DeclaredQueues {
    const props = { handler: this.#functions.declareQueues, ...this.#declarations };
    this.#declared ??= new DeclaredQueues(this, 'DeclaredQueues', props);
    return this.#declared;
  }

  #push(): NodeFunction {
    const { tables, alarms, dashboard } = this;
    this.#dispatch ??= addPush({ functions: this.#functions, tables, metrics: this.#metrics, alarms, dashboard });
    return this.#dispatch;
  }
}
