/** The options of the construct. Users see these comments in their editor: state limits and defaults. */
import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { IDomainName } from 'aws-cdk-lib/aws-apigatewayv2';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type {
  EnvironmentColor,
  QueueSettingsInput,
  ScheduleInput,
  SubscriptionInput,
  TopicSettingsInput,
} from '../contract/contract.ts';
import type { MonitoringOptions } from './monitoring-options.ts';
import type { DumbwaiterTables } from './table-access.ts';
import type { TableCapacity } from './tables.ts';

/** A topic's settings, and its subscriptions by name. */
export interface DeclaredTopic extends TopicSettingsInput {
  /**
   * What a subscription does not say has its default, also when the subscription exists already. Settings of its own queue that are left
   * out stay as they are.
   */
  readonly subscriptions?: Record<string, SubscriptionInput>;
}

export interface DumbwaiterProps {
  /**
   * Queues to create, by name. Each deployment that changes this value creates new queues and updates the settings of existing ones.
   * A queue removed from here stays, with its messages: delete it over the API.
   * @default - none; create queues over the API
   */
  readonly queues?: Record<string, QueueSettingsInput>;
  /**
   * Schedules to create, by name: recurring messages to queues that exist or are declared in `queues`. Each deployment that changes this
   * value creates or updates them. A paused schedule stays paused unless `paused` is set here. A schedule removed from here continues:
   * delete it over the API.
   * @default - none; put schedules over the API
   */
  readonly schedules?: Record<string, ScheduleInput>;
  /**
   * Topics to create, by name, with their subscriptions. Each deployment that changes this value creates or updates them. A topic or
   * subscription removed from here stays: delete it over the API. A subscription takes two seconds of a deployment that creates it.
   * @default - none; create topics over the API
   */
  readonly topics?: Record<string, DeclaredTopic>;
  /**
   * Whether the deployment pushes the messages of queues to targets that are put over the API: functions, and URLs. `addConsumer` turns
   * this on by itself. It adds a function, and streams to the tables, which cost nothing while nothing is published.
   * @default false, unless a queue has a consumer
   */
  readonly push?: boolean;
  /**
   * Hosts that targets and check-backs may be at although their addresses are private, or although they speak plain HTTP: names, addresses,
   * or `*.example.com` for every name below. The functions must be able to reach them.
   * @default - none: only public addresses, over HTTPS
   */
  readonly pushAllowedHosts?: readonly string[];
  /**
   * Tables that exist, or that your stack defines, to use in place of new ones: of a queue that another stack left behind, or restored from a
   * backup. Their keys, index and TTL are those that the construct would make; tables that the same app defines are checked. A deployment that
   * pushes messages, or wakes consumers, needs their streams (`Table.fromTableAttributes` with `tableStreamArn`), with new images.
   * @default - the construct makes three tables
   */
  readonly tables?: DumbwaiterTables;
  /**
   * Limits of what the tables cost and reserves of what they can serve at once, for each table with its index. At a limit, DynamoDB throttles:
   * calls are answered 429 or 503.
   * @default - no limits, and what DynamoDB gives new tables on demand: 12,000 read and 4,000 write units a second
   */
  readonly tableCapacity?: { readonly [Name in keyof DumbwaiterTables]?: TableCapacity };
  /**
   * Whether X-Ray traces the functions, each at its own cost. The roles of all functions may then write traces.
   * @default false
   */
  readonly tracing?: boolean;
  /**
   * What happens to the tables, the secrets and the logs when the construct is removed.
   * @default - they stay. If a first deployment fails, everything is deleted except the tables, which are protected and empty.
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * Whether DynamoDB refuses to delete the tables. To destroy them, set this to false and deploy first.
   * @default true
   */
  readonly deletionProtection?: boolean;
  /**
   * A customer managed KMS key that encrypts the tables and the secrets.
   * @default - the AWS managed keys for DynamoDB and Secrets Manager in the account
   */
  readonly encryptionKey?: IKey;
  /**
   * How long the logs of the functions and of the API are kept.
   * @default RetentionDays.ONE_MONTH
   */
  readonly logRetention?: RetentionDays;
  /**
   * The SNS topic that is notified when an alarm starts and when it ends.
   * @default - none; alarms change state without a notification
   */
  readonly alarmTopic?: ITopic;
  /**
   * An alarm is raised when the oldest waiting message is older than this. Dead-letter queues do not count.
   * @default Duration.hours(1)
   */
  readonly oldestAgeAlarm?: Duration;
  /**
   * Which metrics the queues and topics have, and when alarms are raised.
   * @default - see each option
   */
  readonly monitoring?: MonitoringOptions;
  /**
   * Memory in MB of each function, from 128 to 10,240, except those that mostly wait, which have 256. A function's share of CPU grows with it: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
   * @default 1024
   */
  readonly memorySize?: number;
  /**
   * Rate limit of the HTTP API, for all callers together. Above it, the API answers 429.
   * @default - 1,000 requests a second, with bursts of 2,000
   */
  readonly throttle?: { readonly requestsPerSecond: number; readonly burst: number };
  /**
   * Origins whose web pages may call the API, such as `https://example.com`.
   * @default - none
   */
  readonly allowedOrigins?: readonly string[];
  /**
   * A custom domain for the HTTP API, mapped to its root. You create its DNS record, which must point to `regionalDomainName`.
   * @default - only API Gateway's default endpoint, `https://<id>.execute-api.<region>.amazonaws.com`
   */
  readonly domainName?: IDomainName;
  /**
   * Turns off API Gateway's default endpoint, so that callers can use only `domainName` and cannot bypass a firewall in front of it.
   * Requires `domainName`.
   * @default false
   */
  readonly disableExecuteApiEndpoint?: boolean;
  /**
   * Whether the stack has outputs that a client needs: `ApiUrl`, `AdminKeySecretArn` and the names of functions and tables. A second
   * Dumbwaiter in the same stack prefixes each output name with its construct id.
   * @default true
   */
  readonly outputs?: boolean;
  /**
   * How many receives, and waits for results, may run at once over HTTP: Lambda reserves as many concurrent executions for their function. Calls
   * beyond it are answered 429 or 503, and the SDK retries. Calls that wait then never use up what publishers need. Lambda refuses a
   * reservation that leaves less than 100 executions to the rest of the account; a new account has 10 in all.
   * @default - no reservation: as many as the account allows. Consumers of the SDK do not wait on Lambda unless they ask for it.
   */
  readonly receiveConcurrency?: number;
  /**
   * Whether idle consumers can wait on a WebSocket to be told of messages (`consume(handler, { wake: true })`). Adds a WebSocket API, streams of
   * two tables, and a function that they invoke for each batch of published messages.
   * @default false
   */
  readonly wakeUps?: boolean;
  /**
   * Whether the deployment serves the SQS API, at the URL of the HTTP API, to clients that have access keys. Adds a function and a secret.
   * A receive that waits keeps the function running: docs/operating.md, "SQS", says what this costs.
   * @default false
   */
  readonly sqs?: boolean;
  /**
   * How many calls of SQS may run at once: Lambda reserves as many concurrent executions for their function. Receives that wait count.
   * Clients repeat calls beyond it. Requires `sqs`. Lambda refuses some reservations: see `receiveConcurrency`.
   * @default - no reservation: as many as the account allows
   */
  readonly sqsConcurrency?: number;
  /**
   * Whether the api function serves the console at `/console` below `url`, to every caller that reaches the API. The page holds no secrets: it shows and
   * does what the API key may that its user signs in with.
   * @default false
   */
  readonly console?: boolean;
  /**
   * The name of the deployment, of 1 to 40 characters, which the console shows in this color.
   * @default - no name; the color is red for `production` and `prod`, otherwise blue
   */
  readonly environment?: { readonly name: string; readonly color?: EnvironmentColor };
  /**
   * Whether Lambda reserves one concurrent execution for the sweep. The sweep then always has capacity, and two runs never overlap.
   * Overlapping runs are safe but repeat some work. Lambda refuses the reservation in an account whose concurrency limit is below 101.
   * @default false
   */
  readonly reserveSweepConcurrency?: boolean;
}
