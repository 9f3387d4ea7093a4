/** One queue of a deployment, to give to other parts of a stack. */
import type { Duration } from 'aws-cdk-lib';
import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IConstruct } from 'constructs';
import type { Scope, TargetInput } from '../contract/contract.ts';
import { targetNameCharsMax } from '../contract/limits.ts';
import type { DepthState, QueueMetric } from '../contract/metrics.ts';
import { fullAccess } from '../contract/scopes.ts';
import { type Connectable, type ConnectOptions, checkConnectOptions, connectClient } from './connect.ts';
import { checkQueueName } from './declaration-checks.ts';
import type { GeneratedSecret } from './generated-secret.ts';
import { grantSecret } from './grants.ts';
import type { QueueKeys } from './queue-keys.ts';

export type QueueConnectOptions = Pick<ConnectOptions, 'scopes' | 'keyVersion'>;

export interface ConsumerOptions {
  /**
   * The name of the target that the API shows, and that tells consumers of one queue apart.
   * @default - the id of the function's construct
   */
  readonly name?: string;
  /**
   * Messages of one invocation at most, 1 to 100.
   * @default 10
   */
  readonly batchSize?: number;
  /**
   * How long to wait for a batch to fill, 0 to 300 seconds. The dispatch function runs, and is billed, while it waits.
   * @default Duration.seconds(0)
   */
  readonly maxBatchingWindow?: Duration;
  /**
   * Invocations at a time, 1 to 1,000.
   * @default 10
   */
  readonly maxConcurrency?: number;
  /**
   * Whether the function names the messages that failed, in `batchItemFailures`, as a function of an SQS queue does. The others are done.
   * @default false - a batch succeeds or fails as a whole
   */
  readonly reportBatchItemFailures?: boolean;
}

export interface DepthOptions extends MetricOptions {
  /**
   * The state of the messages to count.
   * @default 'ready'
   */
  readonly state?: DepthState;
}

/** What a queue needs of its deployment. */
export interface QueueParts {
  /** The deployment's construct, which errors name. */
  scope: IConstruct;
  url(): string;
  /** Makes the function a target of the queue. */
  addConsumer(queue: string, fn: IFunction, name: string, terms: Omit<TargetInput, 'functionName'>): void;
  keys(): QueueKeys;
  metric(queue: string, what: QueueMetric, options: MetricOptions): Metric;
}

/**
 * A queue of a deployment: what `dumbwaiter.queue('orders')` returns.
 *
 * IAM cannot tell queues apart: the functions and the tables serve all of them. So grants for one queue are grants to read the secret of an API
 * key for this queue, which the deployment makes. Programs with the same scopes share the key. Secrets Manager charges $0.40 a month for it.
 *
 * The functions print metrics of a queue with each call, and its depth and age once a minute. They print those of queues whose metric methods
 * the deployment's app calls, and of declared queues up to `monitoring.queueMetricsMax`.
 */
export class QueueRef {
  readonly name: string;
  readonly #parts: QueueParts;

  constructor(name: string, parts: QueueParts) {
    checkQueueName(parts.scope.node.path, name);
    this.name = name;
    this.#parts = parts;
  }

  /**
   * Gives a program an API key for this queue, and what it needs to use the key: permission to read its secret, and the variables
   * `DUMBWAITER_URL`, `DUMBWAITER_API_KEY_SECRET` and `DUMBWAITER_QUEUE`. Throws for principals of other accounts, and for a program that is
   * connected already.
   */
  connect(client: Connectable, options: QueueConnectOptions = {}): Grant {
    checkConnectOptions(options);
    const { scope, url } = this.#parts;
    const { scopes = ['publish', 'receive'], keyVersion } = options;
    return connectClient(scope, client, { url: url(), key: this.#key(scopes, keyVersion), queue: this.name });
  }

  /** Lets a principal of this account read the secret of an API key that may publish to this queue, `keySecret('publish')`. */
  grantPublish(grantee: IGrantable): Grant {
    return grantSecret(this.#parts.scope, grantee, this.#key(['publish']));
  }

  /** The same for a key that may receive from this queue, and ack, release, extend and read its messages: `keySecret('receive')`. */
  grantReceive(grantee: IGrantable): Grant {
    return grantSecret(this.#parts.scope, grantee, this.#key(['receive']));
  }

  /** The same for a key that may read the messages of this queue, and change nothing: `keySecret('read')`. */
  grantRead(grantee: IGrantable): Grant {
    return grantSecret(this.#parts.scope, grantee, this.#key(['read']));
  }

  /** The same for a key that may do everything with this queue: `keySecret('publish', 'receive', 'admin')`. */
  grantAdmin(grantee: IGrantable): Grant {
    return grantSecret(this.#parts.scope, grantee, this.#key(fullAccess));
  }

  /** The secret whose value is an API key for this queue with these scopes, as plain text: for a container, say. */
  keySecret(...scopes: [Scope, ...Scope[]]): Secret {
    return this.#key(scopes).secret;
  }

  #key(scopes: readonly Scope[], version?: number): GeneratedSecret {
    return this.#parts.keys().key({ queues: [this.name], topics: undefined, scopes, version });
  }

  /**
   * Has the function invoked for the messages of the queue, with events of the shape that functions of SQS queues get. Messages are acked
   * when it returns, and delivered again, by the backoff of the queue, when it throws. Each message goes to one of the queue's consumers.
   * The function may run for 9 minutes at most. When a deployment no longer has the consumer, its target is removed.
   */
  addConsumer(fn: IFunction, { name = nameOf(fn), maxBatchingWindow, ...terms }: ConsumerOptions = {}): void {
    const window = maxBatchingWindow && { maxBatchingWindowSeconds: maxBatchingWindow.toSeconds() };
    this.#parts.addConsumer(this.name, fn, name, { ...terms, ...window });
  }

  /** Messages in the queue in one state (maximum), counted by the sweep. Up to a thousand rows of each shard are counted. */
  metricDepth({ state = 'ready', ...options }: DepthOptions = {}): Metric {
    return this.#metric(state, options);
  }

  /** How long the oldest ready or dead message has waited, in seconds (maximum). */
  metricAge(options?: MetricOptions): Metric {
    return this.#metric('oldestAge', options);
  }

  /** Messages that were published (sum). Those of topics, schedules, redrives and transactions of your own are not counted. */
  metricPublished(options?: MetricOptions): Metric {
    return this.#metric('published', options);
  }

  /** Messages that were received (sum). */
  metricReceived(options?: MetricOptions): Metric {
    return this.#metric('received', options);
  }

  /** Messages that were acked (sum). */
  metricAcked(options?: MetricOptions): Metric {
    return this.#metric('acked', options);
  }

  /** Messages that were released as failed (sum). */
  metricFailed(options?: MetricOptions): Metric {
    return this.#metric('failed', options);
  }

  /** Messages that expired (sum). */
  metricExpired(options?: MetricOptions): Metric {
    return this.#metric('expired', options);
  }

  /** Messages that were moved from the queue to its dead-letter queue (sum). */
  metricDeadLettered(options?: MetricOptions): Metric {
    return this.#metric('deadLettered', options);
  }

  /** Receives that found nothing (sum). */
  metricEmptyReceives(options?: MetricOptions): Metric {
    return this.#metric('emptyReceives', options);
  }

  /** The time from publish to first receive, in seconds (p95). */
  metricWaiting(options?: MetricOptions): Metric {
    return this.#metric('waiting', options);
  }

  /** The time from receive to ack, in seconds (p95). */
  metricHandling(options?: MetricOptions): Metric {
    return this.#metric('handling', options);
  }

  #metric(what: QueueMetric, options: MetricOptions = {}): Metric {
    return this.#parts.metric(this.name, what, options);
  }
}

function nameOf(fn: IFunction): string {
  return fn.node.id.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, targetNameCharsMax);
}
