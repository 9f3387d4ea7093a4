/** DynamoDB's batch calls: splits a batch into pieces that one call takes, and retries what DynamoDB leaves unprocessed. */
import { type Key, type Row, type Store, StoreError, tables, type Write } from '../port/port.ts';
import { keyText, refuseTwice } from '../port/row-limits.ts';
import { fromItem, type Item } from './attribute-values.ts';
import type { Called, DynamoClient } from './client.ts';
import type { CorrectedClock } from './corrected-clock.ts';
import { type Answers, type BatchedRequest, keyItem, putItem } from './requests.ts';
import type { TableNames } from './tables.ts';

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html */
const batchGetKeysMax = 100;
/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html */
const batchWritesMax = 25;
/** The maximum rounds of one batch. The wait before round n is a random part of `backoffMsMin * 2^n`. */
const roundsMax = 8;
const backoffMsMin = 25;

/** Called for each throttled write. `isProven`: the load on the write's key is certainly the cause. */
export type Throttled = (write: Pick<Write, 'key' | 'then'>, isProven: boolean) => void;

interface Calls {
  client: DynamoClient;
  clock: CorrectedClock;
  names: TableNames;
  throttled: Throttled;
}

export async function getBatches(keys: readonly Key[], by: number | undefined, calls: Calls): Promise<(Row | undefined)[]> {
  const wanted = new Map(keys.map((key) => [keyText(key), key]));
  const found = new Map<string, Row>();
  await Promise.all(pieces([...wanted.values()], batchGetKeysMax).map((piece) => getPiece(piece, found, by, calls)));
  return keys.map((key) => found.get(keyText(key)));
}

async function getPiece(
  keys: Key[],
  found: Map<string, Row>,
  by: number | undefined,
  { client, clock, names }: Calls,
): Promise<void> {
  let asked: Record<string, { Keys: Item[]; ConsistentRead: true }> = {};
  for (const key of keys) {
    asked[names[key.table]] ??= { Keys: [], ConsistentRead: true };
    asked[names[key.table]]!.Keys.push(keyItem(key));
  }
  for (let round = 0; round < roundsMax; round++) {
    if (round > 0) await backOff(round, clock);
    const { answer } = await client.call('BatchGetItem', { RequestItems: asked }, { clock, by, reads: true });
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

export async function writeBatches(
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
