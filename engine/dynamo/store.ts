/**
 * The store on DynamoDB. `engine/dynamo/` implements the port (port/port.ts): start here. One method is one call where
 * possible; batches.ts splits larger batches.
 *
 * The client retries by itself (client.ts). If the response to a conditional write is lost, the retry may be refused because the
 * caller's own new row is already there. The caller recognises its own write by the new version in the returned row.
 * Transactions avoid this: each has a token, by which DynamoDB recognises the retry.
 */
import { compareSortKeys } from '../port/condition-evaluator.ts';
import {
  type Range,
  type Ranged,
  type Row,
  type Store,
  StoreError,
  type Transacted,
  type Write,
  type WriteOptions,
  type Written,
} from '../port/port.ts';
import { isPublish, refuseTwice, shardOf, storedCopy } from '../port/row-limits.ts';
import { fromItem, type Item } from './attribute-values.ts';
import { getBatches, type Throttled, writeBatches } from './batches.ts';
import type { DynamoClient } from './client.ts';
import { type CorrectedClock, createCorrectedClock } from './corrected-clock.ts';
import { DynamoError } from './errors.ts';
import { createKeyLoads } from './key-loads.ts';
import { keyItem, queryInput, writeRequest } from './requests.ts';
import type { TableNames } from './tables.ts';

export interface DynamoStoreParts {
  client: DynamoClient;
  tables: TableNames;
  /** Corrected by DynamoDB's answers. It decides whether a write's deadline has passed. */
  clock?: CorrectedClock;
}

export function createDynamoStore({ client, tables: names, clock = createCorrectedClock() }: DynamoStoreParts): Store {
  const listeners: ((shard: string, isPublish?: boolean) => void)[] = [];
  const loads = createKeyLoads(clock.local);
  const throttled: Throttled = (write, isProven) => {
    const shard = shardOf(write);
    if (shard === undefined || !(isProven || loads.isHot(shard))) return;
    for (const listener of listeners) listener(shard, isPublish(write));
  };
  const calls = { client, clock, names, throttled };

  return {
    onThrottled: (listener) => void listeners.push(listener),

    async get(keys, { by } = {}) {
      const [key] = keys;
      if (key === undefined) return [];
      if (keys.length > 1) return getBatches(keys, by, calls);
      const input = { TableName: names[key.table], Key: keyItem(key), ConsistentRead: true };
      const { answer } = await client.call('GetItem', input, { clock, by, reads: true });
      return [maybeRow(answer.Item)];
    },

    async range(range: Range, { by }: WriteOptions = {}): Promise<Ranged> {
      if (isEmpty(range)) return { rows: [] };
      const { answer } = await client.call('Query', queryInput(range, names), { clock, by, reads: true });
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

    async transact(writes: readonly Write[], { by }: WriteOptions = {}): Promise<Transacted> {
      if (writes.length === 0) return { ok: true };
      refuseTwice(writes);
      const input = {
        TransactItems: writes.map((write) => {
          const request = writeRequest(write, names);
          if ('put' in request) return { Put: request.put };
          return 'remove' in request ? { Delete: request.remove } : { Update: request.update };
        }),
        ClientRequestToken: crypto.randomUUID(),
      };
      try {
        writes.forEach(loads.note);
        // DynamoDB does not say which of the rows caused the throttle.
        const onHotKey = () => {
          for (const write of writes) throttled(write, false);
        };
        await client.call('TransactWriteItems', input, { clock, by, onHotKey });
        return { ok: true };
      } catch (error) {
        if (!(error instanceof DynamoError) || error.name !== 'TransactionCanceledException') throw error;
        const reasons = reasonsOf(error);
        writes.forEach((write, index) => {
          if (throttlings.has(reasons[index]?.Code ?? '')) throttled(write, false);
        });
        return cancelled(error);
      }
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

function maybeRow(item: Item | undefined): Row | undefined {
  return item === undefined || Object.keys(item).length === 0 ? undefined : fromItem(item);
}

/** Transient cancellation reasons: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html */
const throttlings = new Set(['ProvisionedThroughputExceeded', 'ThrottlingError']);
const passing = new Set([...throttlings, 'TransactionConflict']);

interface CancellationReason {
  Code?: string;
  Item?: Item;
}

function reasonsOf({ answer }: DynamoError): CancellationReason[] {
  return (answer as { CancellationReasons?: CancellationReason[] }).CancellationReasons ?? [];
}

function cancelled(error: DynamoError): Transacted {
  const reasons = reasonsOf(error);
  const refused = reasons.map(({ Code, Item: item }) =>
    Code === 'ConditionalCheckFailed' ? { row: maybeRow(item) } : undefined,
  );
  if (refused.some((one) => one !== undefined)) return { ok: false, refused };
  if (reasons.some(({ Code }) => Code !== undefined && passing.has(Code))) {
    // Another transaction has the row, or the row is throttled: a retry may succeed. An earlier attempt may still be applied.
    const applied = error.maybeApplied ? 'unknown' : 'no';
    throw new StoreError(`DynamoDB did not do as asked: ${error.message}`, applied, error, 'throttled');
  }
  throw error;
}
