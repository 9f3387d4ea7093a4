/** Publish and ack within the caller's own transaction: the queue's entries for it, and the meaning of its cancellation. */

import type { ItemValue, TransactionItem, TransactionWrite } from '../../contract/contract.ts';
import { DumbwaiterError, type ErrorCode } from '../../contract/errors.ts';
import { bodyOf } from './content.ts';

/** A value as DynamoDBDocumentClient takes it. */
export type PlainValue = string | number | boolean | Uint8Array | PlainValue[] | { [name: string]: PlainValue };
/** An entry for TransactWriteItemsCommand of `@aws-sdk/client-dynamodb`. */
export type LowLevelItem = TransactionItem<Record<string, ItemValue<Uint8Array>>>;
/** An entry for TransactWriteCommand of `@aws-sdk/lib-dynamodb`. */
export type DocumentItem = TransactionItem<Record<string, PlainValue>>;

export interface ItemsOptions {
  /** Returns entries for DynamoDBDocumentClient, with plain values, instead of the low-level client's. Default false. */
  document?: boolean;
}

/**
 * The error code that a failed condition of an entry means. An enumerable symbol: a spread copies it, and no request includes
 * it.
 */
const errorCodeKey = Symbol.for('dumbwaiter.said');
type Marked = { [errorCodeKey]?: ErrorCode };

/** Converts entries for the caller's client, and marks them with the error code that their failure means. */
export function itemsFor(
  items: readonly TransactionItem[],
  code: ErrorCode,
  { document = false }: { document?: boolean | undefined } = {},
) {
  return items.map((item) => {
    const { Put, Update } = item;
    const values = (given: Record<string, ItemValue>) => mapped(given, document ? plainValue : lowLevelValue);
    const terms = <Terms extends { ExpressionAttributeValues?: Record<string, ItemValue> }>(given: Terms) => ({
      ...given,
      ...(given.ExpressionAttributeValues && { ExpressionAttributeValues: values(given.ExpressionAttributeValues) }),
    });
    return {
      ...(Put && { Put: { ...terms(Put), Item: values(Put.Item) } }),
      ...(Update && { Update: { ...terms(Update), Key: values(Update.Key) } }),
      [errorCodeKey]: code,
    };
  }) as LowLevelItem[] | DocumentItem[];
}

/**
 * The queue's reason for a cancelled transaction: `lease_lost` (a message to ack lost its lease or is done already) or
 * `message_exists` (a message to publish has an id that is taken). Undefined if the queue did not cause it. `error` is the AWS
 * client's, `items` the list that was sent.
 */
export function refusalOfTransaction(error: unknown, items: readonly TransactionWrite[]): DumbwaiterError | undefined {
  const { name, CancellationReasons: reasons } = (error ?? {}) as { name?: string; CancellationReasons?: { Code?: string }[] };
  if (name !== 'TransactionCanceledException' || !Array.isArray(reasons)) return undefined;
  const codes = reasons.map(({ Code }, index) =>
    Code === 'ConditionalCheckFailed' ? (items[index] as Marked)?.[errorCodeKey] : undefined,
  );
  const code = codes.find((one) => one === 'lease_lost') ?? codes.find((one) => one !== undefined);
  return code && new DumbwaiterError(code, messages[code] ?? code, { cause: error });
}

const messages: Partial<Record<ErrorCode, string>> = {
  lease_lost: 'The transaction was cancelled: the lease of a message that it was to ack ended, or the message is done already.',
  message_exists: 'The transaction was cancelled: a message of that id exists in the queue, or did within the hour.',
};

function mapped<From, To>(given: Record<string, From>, to: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, to(value)]));
}

/** Bytes travel as base64 over HTTP and Lambda. */
function lowLevelValue(value: ItemValue): ItemValue<Uint8Array> {
  if ('B' in value) return { B: bytesOf(value.B) };
  if ('L' in value) return { L: value.L.map(lowLevelValue) };
  return 'M' in value ? { M: mapped(value.M, lowLevelValue) } : value;
}

function plainValue(value: ItemValue): PlainValue {
  if ('S' in value) return value.S;
  if ('N' in value) return Number(value.N);
  if ('BOOL' in value) return value.BOOL;
  if ('B' in value) return bytesOf(value.B);
  return 'L' in value ? value.L.map(plainValue) : mapped(value.M, plainValue);
}

function bytesOf(bytes: string | Uint8Array): Uint8Array {
  return typeof bytes === 'string' ? (bodyOf({ bodyBase64: bytes }) as Uint8Array) : bytes;
}
