import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import type { Dashboard } from 'aws-cdk-lib/aws-cloudwatch';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { AdminKey } from './admin-key.ts';
import { Alarms } from './alarms.ts';
import { addDashboard } from './dashboard.ts';
import { DeclaredQueues } from './declared-queues.ts';
import { grantDirect, grantTransactions } from './direct-access.ts';
import type { DumbwaiterProps } from './dumbwaiter-props.ts';
import { Functions } from './functions.ts';
import { grantInvoke } from './grants.ts';
import { PublicApi } from './http-api.ts';
import { addOutputs } from './outputs.ts';
import { QueueMetrics } from './queue-metrics.ts';
import { Tables } from './tables.ts';

const defaults = {
  memorySize: 1024,
  requestsPerSecond: 1000,
  burst: 2000,
  oldestAgeAlarm: Duration.hours(1),
} as const;

/**
 * Message queues of one's own: three DynamoDB tables, an HTTP API, and the functions behind it.
 *
 * ```ts
 * const dumbwaiter = new Dumbwaiter(this, 'Dumbwaiter', {
 *   queues: { orders: { deadLetter: { queue: 'orders-dead', maxReceives: 5 } }, 'orders-dead': {} },
 * });
 * dumbwaiter.grantPublish(checkout);
 * checkout.addEnvironment('DUMBWAITER_FUNCTION', dumbwaiter.publishFunction.functionName);
 * ```
 *
 * Callers come in by two doors: over HTTP with an API key, or by invoking a function, which IAM allows. `grantPublish`,
 * `grantReceive` and `grantAdmin` open the second one: each lets its grantee invoke a function that does what the scope of
 * that name allows, for all queues, and refuses everything else. To hold a caller to some queues, give it an API key.
 * `grantDirect` and `grantTransactions` are for programs that work on the tables themselves.
 */
export class Dumbwaiter extends Construct {
  /** Base URL of the HTTP API. */
  readonly url: string;
  /** Behind `url`: to put a firewall before it, or more domains. Its paths belong to the queue. */
  readonly httpApi: HttpApi;
  readonly tables: Tables;
  readonly alarms: Alarms;
  readonly dashboard: Dashboard;
  readonly #adminKey: AdminKey;
  readonly #functions: Functions;

  constructor(scope: Construct, id: string, props: DumbwaiterProps = {}) {
    super(scope, id);
    const deletionProtection = props.deletionProtection ?? true;
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;
    const logs = { logRetention: props.logRetention ?? RetentionDays.ONE_MONTH, removalPolicy };
    this.tables = new Tables(this, 'Tables', {
      // CloudFormation cannot delete a protected table, not even when a first deployment fails: it must not try.
      removalPolicy: deletionProtection ? (props.removalPolicy ?? RemovalPolicy.RETAIN) : removalPolicy,
      deletionProtection,
      encryptionKey: props.encryptionKey,
    });
    this.#adminKey = new AdminKey(this, 'AdminKey', { removalPolicy, encryptionKey: props.encryptionKey });
    this.#functions = new Functions(this, 'Functions', {
      ...logs,
      tables: this.tables,
      adminKey: this.#adminKey,
      memorySize: props.memorySize ?? defaults.memorySize,
      reserveSweepConcurrency: props.reserveSweepConcurrency ?? false,
      declaresSchedules: Object.keys(props.schedules ?? {}).length > 0,
    });
    const { api, sweep, declareQueues } = this.#functions;
    const http = new PublicApi(this, 'Http', {
      ...logs,
      handler: api.function,
      requestsPerSecond: props.throttle?.requestsPerSecond ?? defaults.requestsPerSecond,
      burst: props.throttle?.burst ?? defaults.burst,
      allowedOrigins: props.allowedOrigins ?? [],
      domainName: props.domainName,
      disableExecuteApiEndpoint: props.disableExecuteApiEndpoint ?? false,
    });
    this.httpApi = http.api;
    this.url = http.url;
    const functions = this.#functions.all();
    const metrics = new QueueMetrics(this, 'Metrics', {
      engines: this.#functions.engines(),
      callable: this.#functions.callable(),
      sweep,
      declareQueues,
    });
    this.alarms = new Alarms(this, 'Alarms', {
      functions,
      sweep,
      stage: http.stage,
      metrics,
      oldestAgeMax: props.oldestAgeAlarm ?? defaults.oldestAgeAlarm,
      topic: props.alarmTopic,
    });
    this.dashboard = addDashboard(this, 'Dashboard', {
      alarms: this.alarms,
      functions,
      stage: http.stage,
      metrics,
      tables: this.tables,
    });
    const { queues = {}, schedules = {} } = props;
    if (Object.keys({ ...queues, ...schedules }).length > 0) {
      new DeclaredQueues(this, 'DeclaredQueues', { handler: declareQueues, queues, schedules });
    }
    if (props.outputs ?? true) {
      addOutputs(this, { url: this.url, tables: this.tables, adminKey: this.#adminKey, functions: this.#functions });
    }
  }

  /** Holds the first admin key, as plain text. */
  get adminKeySecret(): Secret {
    return this.#adminKey.secret;
  }

  /** Runs publishes, for whoever may invoke it. */
  get publishFunction(): IFunction {
    return this.#functions.publish.function;
  }

  /** Runs what the scope `receive` allows (receive, ack, release, extend, reading messages). */
  get receiveFunction(): IFunction {
    return this.#functions.receive.function;
  }

  /** Runs every operation: the function behind the HTTP API. Who may invoke it needs no key. */
  get adminFunction(): IFunction {
    return this.#functions.api.function;
  }

  /** Lets a principal of this account publish to every queue, by invoking `publishFunction`. */
  grantPublish(grantee: IGrantable): Grant {
    return grantInvoke(this, this.publishFunction, grantee);
  }

  /** Lets a principal of this account receive from every queue, and ack, release, extend and read its messages, by invoking `receiveFunction`. */
  grantReceive(grantee: IGrantable): Grant {
    return grantInvoke(this, this.receiveFunction, grantee);
  }

  /** Lets the queue ask this function what became of prepared messages: name it in the setting `prepared` of a queue. */
  grantCheckBack(target: IFunction): Grant {
    return target.grantInvoke(this.#functions.sweep.function);
  }

  /** Lets a principal of this account do everything, keys included, by invoking `adminFunction`. */
  grantAdmin(grantee: IGrantable): Grant {
    return grantInvoke(this, this.adminFunction, grantee);
  }

  /**
   * Lets a principal run the queue in its own process, by the direct transport: it may read and write the tables themselves, but for the API
   * keys. That is every operation on every queue, and more: IAM cannot tell queues apart there, nor hold anybody to the queue's rules.
   */
  grantDirect(grantee: IGrantable): Grant {
    return grantDirect(this, grantee, this.tables);
  }

  /**
   * Lets a principal commit, in transactions of its own, the entries that `publishItems` and `ackItems` made for it over HTTP or Lambda. It may
   * put any row into the tables of messages, then: for programs that are trusted with all queues.
   */
  grantTransactions(grantee: IGrantable): Grant {
    return grantTransactions(this, grantee, this.tables);
  }
}
