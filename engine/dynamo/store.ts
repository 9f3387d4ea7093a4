/**
 * The store on DynamoDB. `engine/dynamo/` implements the port (port/port.ts): start here. One method is one call where
 * possible. A larger batch is split, and what DynamoDB leaves unprocessed of it is sent again.
 *
 * The client retries by itself (client.ts). If the response to a conditional write is lost, the retry may be refused because the
 * caller's own new row is already there. The caller recognises its own write by the new version in the returned row.
 * Transactions avoid this: each has a token, by which DynamoDB recognises the retry.
 */
import { compareSortKeys } from '../port/condition-evaluator.ts';
import {
  type Key,
  type Range,
  type Ranged,
  type Row,
  type Store,
  StoreError,
  tables,
  type Write,
  type WriteOptions,
  type Written,
} from '../port/port.ts';
import { isPublish, keyText, refuseTwice, shardOf, storedCopy } from '../port/row-limits.ts';
import { fromItem, type Item, keyItem, maybeRow, putItem } from './attribute-values.ts';
import type { Called, CallOptions, DynamoClient } from './client.ts';
import { type CorrectedClock, createCorrectedClock } from './corrected-clock.ts';
import { DynamoError } from './errors.ts';
import { createKeyLoads } from './key-loads.ts';
import { type Answers, type BatchedRequest, queryInput, writeRequest } from './requests.ts';
import type { TableNames } from './tables.ts';
import { type Calls, sendTransaction } from './transactions.ts';

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html */
const batchGetKeysMax = 100;
/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html */
const batchWritesMax = 25;
/** The maximum rounds of one batch. The wait before round n is a random part of `backoffMsMin * 2^n`. */
const roundsMax = 8;
const backoffMsMin = 25;

export interface DynamoStoreParts {
  client: DynamoClient;
  tables: TableNames;
  /** Corrected by DynamoDB's answers. It decides whether a write's deadline has passed. */
  clock?: CorrectedClock;
}

export function createDynamoStore({ client, tables: names, clock = createCorrectedClock() }: DynamoStoreParts): Store {
  const listeners: ((shard: string, isPublish?: boolean) => void)[] = [];
  const loads = createKeyLoads(clock.local);
  const throttled: Calls['throttled'] = (write, isProven) => {
    const shard = shardOf(write);
    if (shard === undefined || !(isProven || loads.isHot(shard))) return;
    for (const listener of listeners) listener(shard, isPublish(write));
  };
  const readListeners: (() => void)[] = [];
  const reading = {
    clock,
    reads: true,
    onThrottled() {
      for (const listener of readListeners) listener();
    },
  };
  const calls: Calls = { client, clock, names, throttled };

  return {
    onThrottled: (listener) => void listeners.push(listener),
    onThrottledRead: (listener) => void readListeners.push(listener),

    async get(keys, { by } = {}) {
      const [key] = keys;
      if (key === undefined) return [];
      if (keys.length > 1) return getBatches(keys, { ...reading, by }, calls);
      const input = { TableName: names[key.table], Key: keyItem(key), ConsistentRead: true };
      const { answer } = await client.call('GetItem', input, { ...reading, by });
      return [maybeRow(answer.Item)];
    },

    async range(range: Range, { by }: WriteOptions = {}): Promise<Ranged> {
      if (isEmpty(range)) return { rows: [] };
      const { answer } = await client.call('Query', queryInput(range, names), { ...reading, by });
      const rows = (answer.Items ?? []).map(fromItem);
      return answer.LastEvaluatedKey === undefined ? { rows } : { rows, next: fromItem(answer.LastEvaluatedKey) };
    },

    async write(write: Write, { by }: WriteOptions = {}): Promise<Written> {
      try {
        return { ok: true, row: await sendWrite(write, by) };
      } catch (error) {
        if (!(error instanceof DynamoError) || error.name !== 'ConditionalCheckFailedException') throw error;
        const { Item: item } = error.answer as { Item?: Item };
        return { ok: false, row: maybeRow(item), ...(error.maybeApplied ? { maybeApplied: true } : {}) };
      }
    },

    writeAll(writes, { by } = {}) {
      writes.forEach(loads.note);
      return writeBatches(writes, by, calls);
    },

    transact(writes, { by } = {}) {
      writes.forEach(loads.note);
      return sendTransaction(writes, by, calls);
    },
  };

  async function sendWrite(write: Write, by: number | undefined): Promise<Row | undefined> {
    const request = writeRequest(write, names);
    loads.note(write);
    const options = { clock, by, onHotKey: (isProven: boolean) => throttled(write, isProven) };
    if ('put' in request) {
      await client.call('PutItem', request.put, options);
      return storedCopy((write.then as { put: Row }).put);
    }
    if ('remove' in request) {
      await client.call('DeleteItem', request.remove, options);
      return undefined;
    }
    const { answer } = await client.call('UpdateItem', { ...request.update, ReturnValues: 'ALL_NEW' }, options);
    return maybeRow(answer.Attributes);
  }
}

/** DynamoDB refuses a range whose lower bound is above its upper bound. */
function isEmpty({ from, to }: Range): boolean {
  return from !== undefined && to !== undefined && compareSortKeys(from, to) > 0;
}

async function getBatches(keys: readonly Key[], options: CallOptions, calls: Calls): Promise<(Row | undefined)[]> {
  const wanted = new Map(keys.map((key) => [keyText(key), key]));
  const found = new Map<string, Row>();
  await Promise.all(pieces([...wanted.values()], batchGetKeysMax).map((piece) => getPiece(piece, found, options, calls)));
  return keys.map((key) => found.get(keyText(key)));
}

async function getPiece(
  keys: Key[],
  found: Map<string, Row>,
  options: CallOptions,
  { client, clock, names }: Calls,
): Promise<void> {
  let asked: Record<string, { Keys: Item[]; ConsistentRead: true }> = {};
  for (const key of keys) {
    asked[names[key.table]] ??= { Keys: [], ConsistentRead: true };
    asked[names[key.table]]!.Keys.push(keyItem(key));
  }
  for (let round = 0; round < roundsMax; round++) {
    if (round > 0) await backOff(round, clock);
    const { answer } = await client.call('BatchGetItem', { RequestItems: asked }, options);
    for (const table of tableKinds) {
      for (const item of answer.Responses?.[names[table]] ?? []) {
        const row = fromItem(item);
        found.set(keyText(keyOf(table, row)), row);
      }
    }
    asked = (answer.UnprocessedKeys ?? {}) as typeof asked;
    if (Object.keys(asked).length === 0) return;
  }
  throw new StoreError(`DynamoDB left rows unread in ${roundsMax} rounds`, 'no', undefined, 'throttled');
}

type BatchedWrite = Parameters<Store['writeAll']>[0][number];

async function writeBatches(
  writes: readonly BatchedWrite[],
  by: number | undefined,
  calls: Calls,
): Promise<(StoreError | undefined)[]> {
  refuseTwice(writes);
  const answers = await Promise.all(pieces(writes, batchWritesMax).map((piece) => writePiece(piece, by, calls)));
  return answers.flat();
}

async function writePiece(
  writes: readonly BatchedWrite[],
  by: number | undefined,
  { client, clock, names, throttled }: Calls,
): Promise<(StoreError | undefined)[]> {
  const undone = new Map(writes.map((write) => [keyText(write.key), write]));
  // If the outcome of one attempt is unknown, it is unknown for every entry of that attempt.
  let applied: StoreError['applied'] = 'no';
  let failure: StoreError | undefined;
  for (let round = 0; round < roundsMax && undone.size > 0; round++) {
    if (round > 0) await backOff(round, clock);
    const input = { RequestItems: requestItems([...undone.values()], names) };
    const onHotKey = (isProven: boolean) => {
      for (const write of undone.values()) throttled(write, isProven);
    };
    let called: Called<Answers['BatchWriteItem']>;
    try {
      called = await client.call('BatchWriteItem', input, { clock, by, onHotKey });
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      failure = error;
      if (error.applied === 'unknown') applied = 'unknown';
      break;
    }
    if (called.attempts > 1) applied = 'unknown';
    const left = leftUndone(called.answer, names);
    for (const text of undone.keys()) if (!left.has(text)) undone.delete(text);
    // DynamoDB leaves writes unprocessed that it would have throttled, and gives no reason.
    for (const write of undone.values()) throttled(write, false);
  }
  const message = failure?.message ?? `DynamoDB left rows unwritten in ${roundsMax} rounds`;
  const reason = failure ? failure.reason : 'throttled';
  return writes.map(({ key }) => (undone.has(keyText(key)) ? new StoreError(message, applied, failure, reason) : undefined));
}

function requestItems(writes: readonly BatchedWrite[], names: TableNames): Record<string, BatchedRequest[]> {
  const items: Record<string, BatchedRequest[]> = {};
  for (const { key, then } of writes) {
    items[names[key.table]] ??= [];
    items[names[key.table]]!.push(
      'put' in then ? { PutRequest: { Item: putItem({ key, row: then.put }) } } : { DeleteRequest: { Key: keyItem(key) } },
    );
  }
  return items;
}

function leftUndone({ UnprocessedItems = {} }: Answers['BatchWriteItem'], names: TableNames): Set<string> {
  const left = new Set<string>();
  for (const table of tableKinds) {
    for (const request of UnprocessedItems[names[table]] ?? []) {
      const item = 'PutRequest' in request ? request.PutRequest.Item : request.DeleteRequest.Key;
      left.add(keyText(keyOf(table, fromItem(item))));
    }
  }
  return left;
}

const tableKinds = Object.keys(tables) as Key['table'][];

function keyOf(table: Key['table'], row: Row): Key {
  const { partition, sort }: { partition: string; sort?: string } = tables[table];
  return { table, [partition]: row[partition], ...(sort !== undefined && { [sort]: row[sort] }) } as unknown as Key;
}

async function backOff(round: number, clock: CorrectedClock): Promise<void> {
  await clock.sleep(Math.random() * backoffMsMin * 2 ** round);
}

function pieces<Element>(all: readonly Element[], size: number): Element[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, piece) => all.slice(piece * size, (piece + 1) * size));
}
