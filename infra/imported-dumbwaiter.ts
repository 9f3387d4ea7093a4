/** A deployment that another app made: `Dumbwaiter.fromAttributes`. */
import { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Role } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type IFunction, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { checkNames, type Names } from '../contract/names.ts';
import { DumbwaiterRef } from './dumbwaiter-ref.ts';
import type { ReadableSecret } from './generated-secret.ts';
import { queueMetric, topicMetric } from './metrics.ts';
import { QueueKeys } from './queue-keys.ts';
import { QueueRef } from './queue-ref.ts';
import type { DumbwaiterTables } from './table-access.ts';
import { TopicRef } from './topic-ref.ts';

/**
 * The outputs of a deployment in this account and Region, by their names. Give those that are needed: what is asked for and was not given
 * throws an error that names it.
 */
export interface DumbwaiterAttributes {
  readonly apiUrl?: string;
  readonly adminKeySecretArn?: string;
  readonly apiFunctionName?: string;
  readonly publishFunctionName?: string;
  readonly receiveFunctionName?: string;
  readonly messagesTableName?: string;
  readonly leasesTableName?: string;
  readonly queuesTableName?: string;
  /** Makes the API keys of programs that are connected. */
  readonly declareQueuesFunctionName?: string;
  readonly declareQueuesRoleArn?: string;
  /** For metrics of queues and topics. The app that deploys decides which ones have them. */
  readonly metricsNamespace?: string;
  /** Of a deployment that serves SQS. */
  readonly accessKeySecretArn?: string;
  /**
   * The deployment's `encryptionKey`.
   * @default - none: the tables and the secrets are encrypted with the AWS managed keys
   */
  readonly encryptionKey?: IKey;
}

const attributeNames: Names<DumbwaiterAttributes> = {
  apiUrl: true,
  adminKeySecretArn: true,
  apiFunctionName: true,
  publishFunctionName: true,
  receiveFunctionName: true,
  messagesTableName: true,
  leasesTableName: true,
  queuesTableName: true,
  declareQueuesFunctionName: true,
  declareQueuesRoleArn: true,
  metricsNamespace: true,
  accessKeySecretArn: true,
  encryptionKey: true,
};

type Name = Exclude<keyof DumbwaiterAttributes, 'encryptionKey'>;

export class ImportedDumbwaiter extends DumbwaiterRef {
  readonly tables: DumbwaiterTables;
  readonly #attributes: DumbwaiterAttributes;
  #keys: QueueKeys | undefined;

  constructor(scope: Construct, id: string, attributes: DumbwaiterAttributes) {
    super(scope, id);
    checkNames('fromAttributes', attributes, attributeNames);
    this.#attributes = attributes;
    const table = (tableId: string, name: Name) => this.#once(tableId, () => this.#table(tableId, name));
    this.tables = {
      get messages() {
        return table('Messages', 'messagesTableName');
      },
      get leases() {
        return table('Leases', 'leasesTableName');
      },
      get queues() {
        return table('Queues', 'queuesTableName');
      },
    };
  }

  get url(): string {
    return this.#given('apiUrl');
  }

  get adminKeySecret(): ISecret {
    return this.#once('AdminKey', () => Secret.fromSecretCompleteArn(this, 'AdminKey', this.#given('adminKeySecretArn')));
  }

  get publishFunction(): IFunction {
    return this.#function('Publish', 'publishFunctionName');
  }

  get receiveFunction(): IFunction {
    return this.#function('Receive', 'receiveFunctionName');
  }

  get adminFunction(): IFunction {
    return this.#function('Api', 'apiFunctionName');
  }

  queue(name: string): QueueRef {
    return new QueueRef(name, {
      scope: this,
      url: () => this.url,
      keys: () => this.queueKeys(),
      metric: (...metric) => queueMetric(this.#given('metricsNamespace'), ...metric),
      addConsumer: () => {
        const why = 'the functions that deliver its messages belong to the app that deploys it';
        throw new Error(`${this.node.path}: an imported Dumbwaiter takes no consumers: ${why}. Add the consumer there.`);
      },
    });
  }

  topic(name: string): TopicRef {
    return new TopicRef(name, (...metric) => topicMetric(this.#given('metricsNamespace'), ...metric));
  }

  protected serverSecrets(): ReadableSecret[] {
    const { accessKeySecretArn, encryptionKey } = this.#attributes;
    const arns = [this.#given('adminKeySecretArn'), ...(accessKeySecretArn === undefined ? [] : [accessKeySecretArn])];
    return arns.map((arn) => ({ arn, encryptionKey }));
  }

  protected queueKeys(): QueueKeys {
    this.#keys ??= new QueueKeys(this, 'Keys', {
      functionArn: this.#function('DeclareQueues', 'declareQueuesFunctionName').functionArn,
      role: Role.fromRoleArn(this, 'DeclareQueuesRole', this.#given('declareQueuesRoleArn')),
      tables: this.tables,
      encryptionKey: this.#attributes.encryptionKey,
    });
    return this.#keys;
  }

  #given(name: Name): string {
    const value = this.#attributes[name];
    if (value !== undefined) return value;
    const output = `${name[0]!.toUpperCase()}${name.slice(1)}`;
    throw new Error(`${this.node.path}: give fromAttributes ${name}, the output ${output} of the deployment.`);
  }

  #function(id: string, name: Name): IFunction {
    return this.#once(id, () => LambdaFunction.fromFunctionName(this, id, this.#given(name)));
  }

  #table(id: string, name: Name) {
    const { encryptionKey } = this.#attributes;
    return Table.fromTableAttributes(this, id, { tableName: this.#given(name), ...(encryptionKey && { encryptionKey }) });
  }

  /** The construct with this id, which `make` makes. */
  #once<T>(id: string, make: () => T): T {
    return (this.node.tryFindChild(id) as T | undefined) ?? make();
  }
}
