/** The three DynamoDB tables. A test compares their keys, index and TTL attribute with the engine's own definitions. */
import type { RemovalPolicy } from 'aws-cdk-lib';
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import {
  AttributeType,
  BillingMode,
  type CfnTable,
  ProjectionType,
  StreamViewType,
  Table,
  TableEncryption,
} from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';

export interface TablesProps {
  removalPolicy: RemovalPolicy;
  deletionProtection: boolean;
  encryptionKey: IKey | undefined;
}

/** The TTL attribute by which DynamoDB removes rows. No rule of the engine depends on when it does. */
export const timeToLiveAttribute = 'ttl';

export class Tables extends Construct {
  readonly messages: Table;
  readonly leases: Table;
  readonly queues: Table;

  constructor(scope: Construct, id: string, props: TablesProps) {
    super(scope, id);
    const common = {
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      timeToLiveAttribute,
      deletionProtection: props.deletionProtection,
      removalPolicy: props.removalPolicy,
      ...(props.encryptionKey === undefined
        ? { encryption: TableEncryption.AWS_MANAGED }
        : { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey: props.encryptionKey }),
    };
    this.messages = new Table(this, 'Messages', { ...common, partitionKey: text('shard'), sortKey: text('id') });
    this.leases = new Table(this, 'Leases', { ...common, partitionKey: text('id') });
    this.leases.addGlobalSecondaryIndex({
      indexName: 'due',
      partitionKey: text('shard'),
      sortKey: { name: 'expiry', type: AttributeType.NUMBER },
      projectionType: ProjectionType.INCLUDE,
      nonKeyAttributes: ['last', 'expiresAt', 'since'],
    });
    this.queues = new Table(this, 'Queues', { ...common, partitionKey: text('kind'), sortKey: text('name') });
  }

  /**
   * Turns on the streams by which functions learn that messages became ready, and returns their ARNs. Images say how many messages a row of
   * `messages` has, and whether a row of `leases` is due.
   */
  streams(): { messages: string; leases: string } {
    return {
      messages: streamOf(this.messages),
      leases: streamOf(this.leases),
    };
  }

  /** A metric of the index of due leases only, labelled `due`. */
  dueMetric(metricName: string): Metric {
    return this.leases.metric(metricName, {
      statistic: 'Sum',
      label: 'due',
      dimensionsMap: { TableName: this.leases.tableName, GlobalSecondaryIndexName: 'due' },
    });
  }
}

/** Not by the prop `stream`: only later constructs know whether a stream is needed. */
function streamOf(table: Table): string {
  const resource = table.node.defaultChild as CfnTable;
  resource.streamSpecification = { streamViewType: StreamViewType.NEW_IMAGE };
  return resource.attrStreamArn;
}

function text(name: string) {
  return { name, type: AttributeType.STRING };
}
