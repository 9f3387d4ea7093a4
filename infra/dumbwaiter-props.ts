import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { IDomainName } from 'aws-cdk-lib/aws-apigatewayv2';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { QueueSettingsInput, ScheduleInput } from '../contract/contract.ts';

export interface DumbwaiterProps {
  /**
   * Queues to have, by name. Each deployment that changes them creates those that are new and gives the others these settings.
   * A queue taken out of here stays, with its messages: delete it over the API.
   * @default - none; queues are made over the API
   */
  readonly queues?: Record<string, QueueSettingsInput>;
  /**
   * Schedules to have, by name: recurring messages to queues that are there or declared beside them. Each deployment that changes them
   * puts them so; one that was paused stays paused, unless it says otherwise here. One taken out of here goes on: delete it over the API.
   * @default - none; schedules are put over the API
   */
  readonly schedules?: Record<string, ScheduleInput>;
  /**
   * What becomes of the tables, the admin key and the logs when the construct is removed.
   * @default - they stay. Where a first deployment fails, all goes but the tables, which are protected and empty.
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * Whether DynamoDB refuses to delete the tables. Turn it off, deploy, and only then destroy.
   * @default true
   */
  readonly deletionProtection?: boolean;
  /**
   * A key of one's own under which the tables and the admin key are encrypted.
   * @default - the keys that AWS manages for DynamoDB and Secrets Manager in the account
   */
  readonly encryptionKey?: IKey;
  /**
   * How long the logs of the functions and of the API are kept.
   * @default RetentionDays.ONE_MONTH
   */
  readonly logRetention?: RetentionDays;
  /**
   * Told of each alarm, and of its end.
   * @default - alarms are raised, and nobody is told
   */
  readonly alarmTopic?: ITopic;
  /**
   * The age of the oldest waiting message above which an alarm is raised.
   * @default Duration.hours(1)
   */
  readonly oldestAgeAlarm?: Duration;
  /**
   * Memory of the functions, MB. Lambda's share of CPU grows with it: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
   * @default 1024
   */
  readonly memorySize?: number;
  /**
   * What the HTTP API lets through, all callers together; beyond, it answers 429.
   * @default - 1,000 requests a second, in bursts of 2,000
   */
  readonly throttle?: { readonly requestsPerSecond: number; readonly burst: number };
  /**
   * Origins of web pages that may call the API, as `https://example.com`.
   * @default - none
   */
  readonly allowedOrigins?: readonly string[];
  /**
   * A custom domain for the HTTP API, mapped to its root. Its DNS record is for you to make, to `regionalDomainName`.
   * @default - only the endpoint that API Gateway gives, `https://<id>.execute-api.<region>.amazonaws.com`
   */
  readonly domainName?: IDomainName;
  /**
   * Turns off the endpoint that API Gateway gives, so that callers come by `domainName` alone. What stands before that domain, such as a
   * firewall, cannot be passed by then.
   * @default false
   */
  readonly disableExecuteApiEndpoint?: boolean;
  /**
   * Whether the stack tells what a client needs to know: `ApiUrl`, `AdminKeySecretArn` and the names of functions and tables. A second
   * Dumbwaiter in one stack puts its id before each name.
   * @default true
   */
  readonly outputs?: boolean;
  /**
   * Whether Lambda reserves one concurrent execution for the sweep: the sweep then always has capacity, and two runs never overlap.
   * Overlapping runs are safe; they repeat some work. Lambda refuses to reserve any in an account whose concurrency limit is below 101.
   * @default false
   */
  readonly reserveSweepConcurrency?: boolean;
}
