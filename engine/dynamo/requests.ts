/** Converts writes and ranges of the port to the inputs of DynamoDB's calls, and says what these calls answer. */
import { type Condition, dueIndex, type Range, tables, type Write } from '../port/port.ts';
import { type Item, keyItem, putItem, toItem } from './attribute-values.ts';
import { createExpressions, type Placeholders } from './expressions.ts';
import type { TableNames } from './tables.ts';

interface Conditional extends Placeholders {
  TableName: string;
  ConditionExpression?: string;
  ReturnValuesOnConditionCheckFailure?: 'ALL_OLD';
}

export type WriteRequest =
  | { put: Conditional & { Item: Item } }
  | { remove: Conditional & { Key: Item } }
  | { update: Conditional & { Key: Item; UpdateExpression: string } };

export type BatchedRequest = { PutRequest: { Item: Item } } | { DeleteRequest: { Key: Item } };

/** The fields of each operation's answer that the store reads. */
export interface Answers {
  GetItem: { Item?: Item };
  Query: { Items?: Item[]; LastEvaluatedKey?: Item };
  PutItem: object;
  DeleteItem: object;
  UpdateItem: { Attributes?: Item };
  TransactWriteItems: object;
  BatchGetItem: { Responses?: Record<string, Item[]>; UnprocessedKeys?: Record<string, { Keys: Item[] }> };
  BatchWriteItem: { UnprocessedItems?: Record<string, BatchedRequest[]> };
}

/** One conditional write, in the form that a single call and a transaction share. */
export function writeRequest({ key, when, then }: Write, names: TableNames): WriteRequest {
  const expressions = createExpressions();
  const TableName = names[key.table];
  const conditional = (condition: Condition | undefined) =>
    condition === undefined
      ? {}
      : { ConditionExpression: expressions.condition(condition), ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const };
  if ('put' in then) {
    return { put: { TableName, Item: putItem({ key, row: then.put }), ...conditional(when), ...expressions.placeholders() } };
  }
  if ('remove' in then) {
    return { remove: { TableName, Key: keyItem(key), ...conditional(when), ...expressions.placeholders() } };
  }
  // DynamoDB's update would create a missing row, so the condition requires that the row exists.
  const there: Condition = { exists: [tables[key.table].partition] };
  const condition = conditional(when === undefined ? there : { all: [there, when] });
  const UpdateExpression = expressions.update(then);
  return { update: { TableName, Key: keyItem(key), UpdateExpression, ...condition, ...expressions.placeholders() } };
}

export function queryInput({ table, index, partition, from, to, limit, after, consistent }: Range, names: TableNames): object {
  if (index !== undefined && consistent) throw new Error('an index cannot be read consistently');
  const keys: { partition: string; sort?: string } = index === undefined ? tables[table] : dueIndex;
  const expressions = createExpressions();
  const conditions = [`${expressions.path([keys.partition])} = ${expressions.value(partition)}`];
  if (from !== undefined || to !== undefined) {
    if (keys.sort === undefined) throw new Error(`${table} has no sort key`);
    const sort = expressions.path([keys.sort]);
    // A key condition may contain only one condition on the sort key.
    if (from !== undefined && to !== undefined) {
      conditions.push(`${sort} BETWEEN ${expressions.value(from)} AND ${expressions.value(to)}`);
    } else if (from !== undefined) conditions.push(`${sort} >= ${expressions.value(from)}`);
    else conditions.push(`${sort} <= ${expressions.value(to!)}`);
  }
  return {
    TableName: names[table],
    ...(index !== undefined && { IndexName: dueIndex.name }),
    KeyConditionExpression: conditions.join(' AND '),
    Limit: limit,
    ...(after !== undefined && { ExclusiveStartKey: toItem(after) }),
    ...(consistent && { ConsistentRead: true }),
    ...expressions.placeholders(),
  };
}
