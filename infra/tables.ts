/** The three DynamoDB tables, with the keys, the index and the TTL attribute that the engine defines. */
import type { RemovalPolicy } from 'aws-cdk-lib';
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { AttributeType, BillingMode, ProjectionType, StreamViewType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { dueIndex, tables as tableKeys, timeToLiveAttribute } from '../engine/port/port.ts';
import { checkAdopted, definitionIn } from './adopted-tables.ts';
import type { DumbwaiterTable, DumbwaiterTables } from './table-access.ts';

/** Request units of a table and of its indexes. */
export interface TableCapacity {
  /** Maximum read units per second. DynamoDB throttles reads beyond them. */
  readonly maxReadRequestUnits?: number;
  /** The same for write units. */
  readonly maxWriteRequestUnits?: number;
  /** Read and write units per second that the table can serve at once, at least 12,000 and 4,000. DynamoDB charges for them once. */
  readonly warmThroughput?: { readonly readUnitsPerSecond: number; readonly writeUnitsPerSecond: number };
}

export interface TablesProps {
  removalPolicy: RemovalPolicy;
  deletionProtection: boolean;
  encryptionKey: IKey | undefined;
  capacity: { readonly [Name in keyof DumbwaiterTables]?: TableCapacity } | undefined;
  /** Tables to use in place of new ones. */
  existing: DumbwaiterTables | undefined;
}

export class Tables extends Construct {
  readonly messages: DumbwaiterTable;
  readonly leases: DumbwaiterTable;
  readonly queues: DumbwaiterTable;

  constructor(scope: Construct, id: string, props: TablesProps) {
    super(scope, id);
    const { existing } = props;
    if (existing && props.capacity) {
      throw new Error(
        `${scope.node.path}: tableCapacity is for tables that the construct makes: define it where the tables are defined`,
      );
    }
    if (existing) checkAdopted(scope.node.path, existing);
    this.messages = existing?.messages ?? this.#table('Messages', 'messages', props);
    this.leases = existing?.leases ?? this.#leases(props);
    this.queues = existing?.queues ?? this.#table('Queues', 'queues', props);
  }

  /**
   * Turns on the streams by which functions learn that messages became ready, and returns their ARNs. Images say how many messages a row of
   * `messages` has, and whether a row of `leases` is due.
   */
  streams(): { messages: string; leases: string } {
    return { messages: this.#streamOf('messages'), leases: this.#streamOf('leases') };
  }

  /** A metric of the index of due leases only. */
  dueMetric(metricName: string, label?: string): Metric {
    return this.leases.metric(metricName, {
      statistic: 'Sum',
      ...(label === undefined ? {} : { label }),
      dimensionsMap: { TableName: this.leases.tableName, GlobalSecondaryIndexName: dueIndex.name },
    });
  }

  #table(id: string, name: keyof typeof tableKeys, props: TablesProps): Table {
    const [partitionKey, sortKey] = Object.values(tableKeys[name]).map(text);
    return new Table(this, id, {
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      timeToLiveAttribute,
      deletionProtection: props.deletionProtection,
      removalPolicy: props.removalPolicy,
      ...(props.encryptionKey === undefined
        ? { encryption: TableEncryption.AWS_MANAGED }
        : { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey: props.encryptionKey }),
      partitionKey: partitionKey!,
      ...(sortKey && { sortKey }),
      ...props.capacity?.[name],
    });
  }

  #leases(props: TablesProps): Table {
    const leases = this.#table('Leases', 'leases', props);
    leases.addGlobalSecondaryIndex({
      indexName: dueIndex.name,
      partitionKey: text(dueIndex.partition),
      sortKey: { name: dueIndex.sort, type: AttributeType.NUMBER },
      projectionType: ProjectionType.INCLUDE,
      nonKeyAttributes: [...dueIndex.projected],
      ...props.capacity?.leases,
    });
    return leases;
  }

  /** Not by the prop `stream`: only later constructs know whether a stream is needed. */
  #streamOf(name: 'messages' | 'leases'): string {
    const table = this[name];
    const definition = definitionIn(table);
    if (definition) {
      definition.streamSpecification ??= { streamViewType: StreamViewType.NEW_IMAGE };
      return definition.attrStreamArn;
    }
    if (table.tableStreamArn !== undefined) return table.tableStreamArn;
    const advice = 'Import it with Table.fromTableAttributes and its tableStreamArn. The stream must have new images.';
    throw new Error(`${this.node.scope?.node.path}: tables.${name}: this deployment needs the table's stream. ${advice}`);
  }
}

function text(name: string) {
  return { name, type: AttributeType.STRING };
}
