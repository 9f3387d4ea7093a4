/** Tables that a stack gives to the construct, and the capacity of those that it makes. */
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import {
  AttributeType,
  type ITable,
  ProjectionType,
  StreamViewType,
  Table,
  type TableProps,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb';
import { AwsSolutionsChecks } from 'cdk-nag';
import { beforeAll, describe, expect, test } from 'vitest';
import { Dumbwaiter, type DumbwaiterProps } from '../../infra/index.ts';
import { ensureBundles, synthesize } from './synthesized.ts';

beforeAll(async () => {
  await ensureBundles();
});

const text = (name: string) => ({ name, type: AttributeType.STRING });
const due = {
  indexName: 'due',
  partitionKey: text('shard'),
  sortKey: { name: 'expiry', type: AttributeType.NUMBER },
  projectionType: ProjectionType.INCLUDE,
  nonKeyAttributes: ['last', 'expiresAt', 'since'],
};

/** Tables as the construct makes them, but for `messages` and the index. */
function tablesIn(stack: Stack, messages: Partial<TableProps> = {}, index: Partial<typeof due> | null = {}) {
  const table = (id: string, props: object) => new Table(stack, id, { timeToLiveAttribute: 'ttl', ...props } as TableProps);
  const leases = table('Leases', { partitionKey: text('id') });
  if (index) leases.addGlobalSecondaryIndex({ ...due, ...index });
  return {
    messages: table('Messages', { partitionKey: text('shard'), sortKey: text('id'), ...messages }),
    leases,
    queues: table('Queues', { partitionKey: text('kind'), sortKey: text('name') }),
  };
}

const construct = (tables: (stack: Stack) => DumbwaiterProps) => {
  const stack = new Stack(new App(), 'Test');
  return new Dumbwaiter(stack, 'Dumbwaiter', tables(stack));
};

describe('tables that a stack gives to the construct', () => {
  test('the construct uses tables of the same app in place of its own, and turns on their streams where it needs them', () => {
    const given = synthesize((stack) => ({ tables: tablesIn(stack), push: true }));
    const tables = given.all('AWS::DynamoDB::Table');
    expect(tables.map(([id]) => id.slice(0, 6)).sort()).toEqual(['Leases', 'Messag', 'Queues']);
    const streams = tables.map(([id, { Properties }]) => [id.slice(0, 6), Properties.StreamSpecification]);
    expect(Object.fromEntries(streams)).toEqual({
      Leases: { StreamViewType: 'NEW_IMAGE' },
      Messag: { StreamViewType: 'NEW_IMAGE' },
      Queues: undefined,
    });
    const [, { Properties }] = given.all('AWS::Lambda::Function')[0]!;
    expect((Properties.Environment as { Variables: object }).Variables).toMatchObject({
      DUMBWAITER_MESSAGES_TABLE: { Ref: expect.stringMatching('^Messages') },
    });
  });

  test('the construct uses imported tables, and needs the ARNs of their streams only where it pushes', () => {
    const imported = (stack: Stack, tableStreamArn?: string) => {
      const table = (name: string) =>
        Table.fromTableAttributes(stack, name, { tableName: name, ...(tableStreamArn && { tableStreamArn }) }) as ITable;
      return { messages: table('m'), leases: table('l'), queues: table('q') };
    };
    expect(synthesize((stack) => ({ tables: imported(stack) })).template.findResources('AWS::DynamoDB::Table')).toEqual({});
    expect(() => construct((stack) => ({ tables: imported(stack), push: true }))).toThrow(
      "Test/Dumbwaiter: tables.messages: this deployment needs the table's stream. Import it with Table.fromTableAttributes",
    );
    const streamArn = 'arn:aws:dynamodb:eu-west-1:111122223333:table/m/stream/2026-01-01T00:00:00.000';
    const sources = synthesize((stack) => ({ tables: imported(stack, streamArn), push: true })).all(
      'AWS::Lambda::EventSourceMapping',
    );
    expect(sources.map(([, { Properties }]) => Properties.EventSourceArn)).toEqual([streamArn, streamArn]);
  });

  test('the construct takes global tables with streams', () => {
    const stack = new Stack(new App(), 'Test');
    const { leases, queues } = tablesIn(stack);
    const dynamoStream = StreamViewType.NEW_IMAGE;
    const messages = new TableV2(stack, 'Global', { partitionKey: text('shard'), sortKey: text('id'), dynamoStream });
    expect(() => new Dumbwaiter(stack, 'Dumbwaiter', { tables: { messages, leases, queues }, push: true })).not.toThrow();
  });

  test.each([
    [
      'other keys',
      { partitionKey: text('id') },
      {},
      'tables.messages: the keys must be shard (HASH, S), id (RANGE, S); they are id (HASH, S), id',
    ],
    [
      'a key of another type',
      { sortKey: { name: 'id', type: AttributeType.NUMBER } },
      {},
      'they are shard (HASH, S), id (RANGE, N)',
    ],
    ['no TTL', { timeToLiveAttribute: undefined as never }, {}, 'tables.messages: the TTL attribute must be ttl'],
    [
      'a stream of keys',
      { stream: StreamViewType.KEYS_ONLY },
      {},
      'tables.messages: its stream must have new images; it has KEYS_ONLY',
    ],
    ['no index', {}, null, 'tables.leases: it must have the index due with the keys shard (HASH, S), expiry (RANGE, N)'],
    ['an index that lacks an attribute', {}, { nonKeyAttributes: ['last'] }, 'tables.leases: it must have the index due'],
  ] as const)('the construct refuses tables with %s, and says what it needs', (_, messages, index, expected) => {
    expect(() => construct((stack) => ({ tables: tablesIn(stack, messages, index as never) }))).toThrow(expected);
  });

  test('the construct refuses a missing table, one table for two, and capacity for tables that it does not make', () => {
    expect(() => construct((stack) => ({ tables: { ...tablesIn(stack), queues: undefined as never } }))).toThrow(
      'missing are queues',
    );
    const twice = (stack: Stack) => {
      const tables = tablesIn(stack);
      return { tables: { ...tables, queues: tables.messages } };
    };
    expect(() => construct(twice)).toThrow('tables: must be three different ones');
    expect(() => construct((stack) => ({ tables: tablesIn(stack), tableCapacity: {} }))).toThrow(
      'tableCapacity is for tables that',
    );
  });
});

test('the capacity of a table and of its index can be limited and warmed', () => {
  const warmThroughput = { readUnitsPerSecond: 20_000, writeUnitsPerSecond: 8_000 };
  const given = synthesize({
    tableCapacity: { leases: { maxReadRequestUnits: 500, maxWriteRequestUnits: 300, warmThroughput } },
  });
  const onDemand = { OnDemandThroughput: { MaxReadRequestUnits: 500, MaxWriteRequestUnits: 300 } };
  const warm = { WarmThroughput: { ReadUnitsPerSecond: 20_000, WriteUnitsPerSecond: 8_000 } };
  const { Properties } = given.at('AWS::DynamoDB::Table', 'Tables/Leases');
  expect(Properties).toMatchObject({ ...onDemand, ...warm });
  expect(Properties.GlobalSecondaryIndexes).toMatchObject([{ IndexName: 'due', ...onDemand, ...warm }]);
  expect(given.at('AWS::DynamoDB::Table', 'Tables/Messages').Properties).not.toHaveProperty('OnDemandThroughput');
});

test('X-Ray traces the functions where the props say so, and cdk-nag accepts it', () => {
  const app = new App();
  const stack = new Stack(app, 'Traced');
  new Dumbwaiter(stack, 'Dumbwaiter', { tracing: true });
  const functions = Object.values(Template.fromStack(stack).findResources('AWS::Lambda::Function'));
  expect(functions.length).toBeGreaterThan(5);
  for (const { Properties } of functions) expect(Properties.TracingConfig).toEqual({ Mode: 'Active' });
  const { violations } = new AwsSolutionsChecks(app).validateScope(app);
  expect(violations.map(({ ruleName, violatingResources }) => [ruleName, violatingResources])).toEqual([]);
});

test('the construct refuses a prop that does not exist, and names the nearest', () => {
  expect(() => construct(() => ({ queue: {} }) as DumbwaiterProps)).toThrow(
    'Test/Dumbwaiter: unknown option queue; the nearest is queues',
  );
});
