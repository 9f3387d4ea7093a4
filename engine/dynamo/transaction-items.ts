/** Converts writes of the queue to entries of a caller's own transaction. */
import type { TransactionItem } from '../../contract/contract.ts';
import type { Write } from '../port/port.ts';
import type { Attribute, Item } from './attribute-values.ts';
import { writeRequest } from './requests.ts';
import type { TableNames } from './tables.ts';

/** Converts a write to JSON, for callers outside this process: bytes are base64. */
export function jsonItems(names: TableNames): (write: Write) => TransactionItem {
  return (write) => {
    const request = writeRequest(write, names);
    if ('put' in request) return { Put: plain(request.put) } as TransactionItem;
    if ('update' in request) return { Update: plain(request.update) } as TransactionItem;
    throw new Error('nothing is removed by a transaction of the caller');
  };
}

/** Removes the request for current rows: the caller of the transaction does not need to see the queue's rows. */
function plain<Request extends { ReturnValuesOnConditionCheckFailure?: unknown }>(request: Request): Request {
  const { ReturnValuesOnConditionCheckFailure: _, ...rest } = request;
  return rest as Request;
}

/** Converts a write to the form of low-level clients in this process: bytes are Uint8Array. */
export function transactionItems(names: TableNames): (write: Write) => TransactionItem {
  const itemOf = jsonItems(names);
  return (write) => {
    const { Put: put, Update: update } = itemOf(write) as { Put?: Values; Update?: Values };
    return (put === undefined ? { Update: withBytes(update!) } : { Put: withBytes(put) }) as TransactionItem;
  };
}

/** The parts of an entry that hold values. */
interface Values {
  Item?: Item;
  Key?: Item;
  ExpressionAttributeValues?: Item;
}

function withBytes(entry: Values): object {
  const { Item, Key, ExpressionAttributeValues } = entry;
  return {
    ...entry,
    ...(Item && { Item: sdkItem(Item) }),
    ...(Key && { Key: sdkItem(Key) }),
    ...(ExpressionAttributeValues && { ExpressionAttributeValues: sdkItem(ExpressionAttributeValues) }),
  };
}

function sdkItem(item: Item): object {
  return Object.fromEntries(Object.entries(item).map(([name, attribute]) => [name, sdkAttribute(attribute)]));
}

function sdkAttribute(attribute: Attribute): object {
  if ('B' in attribute) return { B: new Uint8Array(Buffer.from(attribute.B, 'base64')) };
  if ('L' in attribute) return { L: attribute.L.map(sdkAttribute) };
  return 'M' in attribute ? { M: sdkItem(attribute.M) } : attribute;
}
