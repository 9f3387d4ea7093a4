/** The AWS SDK's client behind the interface of the queue's own, so that one run compares both under the same store. No product code uses it. */
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { DynamoClient } from '../engine/dynamo/client.ts';
import { DynamoError, describe, outcomeOf } from '../engine/dynamo/errors.ts';
import type { Answers } from '../engine/dynamo/requests.ts';
import type { SdkClient } from '../engine/dynamo/sdk-client.ts';
import { StoreError } from '../engine/port/port.ts';

type AnyCommand = new (input: never) => GetItemCommand;

export const sdkCommands = {
  GetItem: GetItemCommand,
  PutItem: PutItemCommand,
  UpdateItem: UpdateItemCommand,
  DeleteItem: DeleteItemCommand,
  Query: QueryCommand,
  BatchGetItem: BatchGetItemCommand,
  BatchWriteItem: BatchWriteItemCommand,
  TransactWriteItems: TransactWriteItemsCommand,
} as unknown as Record<keyof Answers, AnyCommand>;

/** DynamoDB's JSON in the SDK's form: base64 of attributes becomes bytes. */
export function withBytes(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(withBytes);
  const names = Object.keys(value);
  const { B: bytes } = value as { B?: unknown };
  if (names.length === 1 && typeof bytes === 'string') return { B: new Uint8Array(Buffer.from(bytes, 'base64')) };
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withBytes(one)]));
}

/** The SDK's form in DynamoDB's JSON. */
function withBase64(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(withBase64);
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withBase64(one)]));
}

interface SdkError extends Error {
  $metadata?: { attempts?: number; httpStatusCode?: number };
  Item?: unknown;
  CancellationReasons?: unknown;
}

/** Ignores write deadlines and reports no hot keys. */
export function clientBySdk(sdk: SdkClient): DynamoClient {
  return {
    async call(operation, input) {
      try {
        const { $metadata, ...answer } = await sdk.send(new sdkCommands[operation](withBytes(input) as never));
        return { answer: withBase64(answer) as never, attempts: $metadata.attempts ?? 1 };
      } catch (error) {
        throw asOwnError(error as SdkError);
      }
    },
    destroy: () => sdk.destroy(),
  };
}

/** A retried request may have been applied by an earlier attempt. */
function asOwnError(error: SdkError): Error {
  const { name, message, Item, CancellationReasons, $metadata: { attempts = 1, httpStatusCode = 0 } = {} } = error;
  const outcome = outcomeOf(error);
  const maybeApplied = outcome === 'unknown' || attempts > 1;
  if (outcome !== 'answered') return new StoreError(describe(error), maybeApplied ? 'unknown' : 'no', error);
  const answer = withBase64({ Item, CancellationReasons }) as Record<string, unknown>;
  return Object.assign(new DynamoError(name, message, httpStatusCode, answer), { attempts, maybeApplied });
}
