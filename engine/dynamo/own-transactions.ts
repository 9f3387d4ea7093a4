/** Commits a caller's own transaction by the AWS SDK, whose entries and errors the caller knows. */
import { type DynamoDBClient, type TransactWriteItem, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import type { TransactionWrite } from '../../contract/contract.ts';
import { StoreError } from '../port/port.ts';
import { describe, isBusy, outcomeOf } from './errors.ts';

/** What the attempts of one call have told so far. */
interface Told {
  /** Whether an attempt ended without an answer that tells its outcome. */
  maybeApplied: boolean;
  throttled: boolean;
}

/**
 * Commits entries, the caller's and the queue's, all or none. Rejects with StoreError if nothing was committed or the outcome
 * is unknown. Otherwise rejects with the SDK's own error, usually TransactionCanceledException.
 */
export async function commitTransaction(
  client: DynamoDBClient,
  items: readonly TransactionWrite[],
  token: string,
  signal?: AbortSignal,
): Promise<void> {
  const command = new TransactWriteItemsCommand({ TransactItems: items as TransactWriteItem[], ClientRequestToken: token });
  const told: Told = { maybeApplied: false, throttled: false };
  watchAttempts(command, told);
  try {
    // With options the SDK does not keep the middleware for later commands.
    await client.send(command, signal === undefined ? {} : { abortSignal: signal });
  } catch (error) {
    if (outcomeOf(error) === 'answered') throw error;
    const applied = told.maybeApplied ? 'unknown' : 'no';
    throw new StoreError(
      `DynamoDB did not do as asked: ${describe(error)}`,
      applied,
      error,
      told.throttled ? 'throttled' : undefined,
    );
  }
}

/** The SDK retries by itself, and tells only the last error. */
function watchAttempts(command: TransactWriteItemsCommand, told: Told): void {
  command.middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        if (outcomeOf(error) === 'unknown') told.maybeApplied = true;
        if (isBusy(error)) told.throttled = true;
        throw error;
      }
    },
    { name: 'dumbwaiterAttempts', step: 'finalizeRequest', priority: 'low' },
  );
}
