/** Converts writes of the queue to entries of a caller's own transaction, and sends such transactions. */
import { type DynamoDBClient, type TransactWriteItem, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import type { TransactionItem, TransactionWrite } from '../../contract/contract.ts';
import type { Write } from '../port/port.ts';
import { sendCall } from './client.ts';
import type { CorrectedClock } from './corrected-clock.ts';
import { writeRequest } from './requests.ts';
import type { TableNames } from './tables.ts';

/** Converts a write to the form of low-level clients, with bytes as Uint8Array. */
export function transactionItems(names: TableNames): (write: Write) => TransactionItem {
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

/** Like `transactionItems`, for callers outside this process: bytes become base64, which JSON can hold. */
export function jsonItems(names: TableNames): (write: Write) => TransactionItem {
  const itemOf = transactionItems(names);
  // Reads the original value from `this`, because `value` is already what a Buffer's `toJSON` returned.
  function base64(this: Record<string, unknown>, name: string, value: unknown): unknown {
    const bytes = this[name];
    return bytes instanceof Uint8Array ? Buffer.from(bytes).toString('base64') : value;
  }
  return (write) => JSON.parse(JSON.stringify(itemOf(write), base64));
}

/**
 * Commits entries, the caller's and the queue's, all or none. Rejects with StoreError if nothing was committed or the outcome
 * is unknown. Otherwise rejects with the AWS client's own error, usually TransactionCanceledException.
 */
export async function commitTransaction(
  { client, clock }: { client: DynamoDBClient; clock: CorrectedClock },
  items: readonly TransactionWrite[],
  token: string,
  signal?: AbortSignal,
): Promise<void> {
  const input = { TransactItems: items as TransactWriteItem[], ClientRequestToken: token };
  const options = signal === undefined ? {} : { abortSignal: signal };
  await sendCall(client, input, () => client.send(new TransactWriteItemsCommand(input), options), { clock });
}
