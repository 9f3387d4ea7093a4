/** Defines the three tables as data, and creates them where CDK does not. */
import {
  type AttributeDefinition,
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  ResourceInUseException,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { dueIndex, type Key, tables, timeToLiveAttribute } from '../port/port.ts';

/** The name of each table in the account. */
export type TableNames = Record<Key['table'], string>;

const creationSecondsMax = 60;

export function tableDefinitions(names: TableNames): Record<Key['table'], CreateTableCommandInput> {
  const onDemand = { BillingMode: 'PAY_PER_REQUEST' } as const;
  return {
    messages: { TableName: names.messages, ...onDemand, ...keys(tables.messages.partition, tables.messages.sort) },
    leases: {
      TableName: names.leases,
      ...onDemand,
      ...keys(tables.leases.partition),
      AttributeDefinitions: [
        text(tables.leases.partition),
        text(dueIndex.partition),
        { AttributeName: dueIndex.sort, AttributeType: 'N' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: dueIndex.name,
          KeySchema: keys(dueIndex.partition, dueIndex.sort).KeySchema,
          Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: [...dueIndex.projected] },
        },
      ],
    },
    queues: { TableName: names.queues, ...onDemand, ...keys(tables.queues.partition, tables.queues.sort) },
  };
}

function keys(partition: string, sort?: string) {
  return {
    KeySchema: [
      { AttributeName: partition, KeyType: 'HASH' as const },
      ...(sort === undefined ? [] : [{ AttributeName: sort, KeyType: 'RANGE' as const }]),
    ],
    AttributeDefinitions: [text(partition), ...(sort === undefined ? [] : [text(sort)])],
  };
}

function text(name: string): AttributeDefinition {
  return { AttributeName: name, AttributeType: 'S' };
}

/** Creates missing tables, and waits until all can be used. Existing tables keep their definition. */
export async function createTables(client: DynamoDBClient, names: TableNames): Promise<void> {
  await Promise.all(Object.values(tableDefinitions(names)).map((definition) => createTable(client, definition)));
}

async function createTable(client: DynamoDBClient, definition: CreateTableCommandInput): Promise<void> {
  const table = { TableName: definition.TableName };
  try {
    await client.send(new CreateTableCommand(definition));
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
  await waitUntilTableExists({ client, maxWaitTime: creationSecondsMax, minDelay: 1 }, table);
  const { TimeToLiveDescription: ttl } = await client.send(new DescribeTimeToLiveCommand(table));
  if (ttl?.TimeToLiveStatus === 'ENABLED' || ttl?.TimeToLiveStatus === 'ENABLING') return;
  const TimeToLiveSpecification = { AttributeName: timeToLiveAttribute, Enabled: true };
  await client.send(new UpdateTimeToLiveCommand({ ...table, TimeToLiveSpecification }));
}
