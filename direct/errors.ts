/** Converts errors between this process and DynamoDB into the error codes that the queue's other transports use. */

import type { TransactionWrite } from '../contract/contract.ts';
import { DumbwaiterError, type ErrorCode } from '../contract/errors.ts';
import { isMisconfiguration, textOfThrown } from '../contract/thrown.ts';
import { StoreError } from '../engine/port/port.ts';
import { refusalOfTransaction } from '../sdk/calls/transactions.ts';

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html */
const codeOfName: Readonly<Record<string, ErrorCode>> = {
  AccessDeniedException: 'forbidden',
  CredentialsProviderError: 'unauthorized',
  ExpiredTokenException: 'unauthorized',
  IncompleteSignatureException: 'unauthorized',
  InvalidSignatureException: 'unauthorized',
  MissingAuthenticationTokenException: 'unauthorized',
  UnrecognizedClientException: 'unauthorized',
  ResourceNotFoundException: 'not_found',
};

/** The error of a call of the queue. An unexpected error is a defect: `internal`, with its cause. */
export function refusalOfCall(error: unknown): DumbwaiterError {
  return known(error) ?? new DumbwaiterError('internal', `Unexpected error: ${describe(error)}`, { cause: error });
}

/**
 * The error of a transaction of the caller's own. What the caller's entries or conditions caused is returned as the AWS
 * client's own error.
 */
export function refusalOfCommit(error: unknown, items: readonly TransactionWrite[]): unknown {
  if (isTransient(error))
    return new DumbwaiterError('unavailable', `Nothing was committed: ${describe(error)}`, { cause: error });
  return refusalOfTransaction(error, items) ?? known(error) ?? error;
}

function known(error: unknown): DumbwaiterError | undefined {
  // The caller runs in this process, so the error may include the store's message.
  if (error instanceof DumbwaiterError && error.cause instanceof StoreError)
    return new DumbwaiterError(error.code, `${error.message} ${error.cause.message}`, { cause: error.cause });
  if (error instanceof DumbwaiterError) return error;
  if (error instanceof StoreError) return new DumbwaiterError('unavailable', error.message, { cause: error });
  const code = isMisconfiguration(error) ? 'invalid_input' : codeOfName[(error as { name?: string } | undefined)?.name ?? ''];
  return code && new DumbwaiterError(code, `DynamoDB was not called, or refused the call: ${describe(error)}`, { cause: error });
}

/** Cancellation reasons after which the same transaction may succeed later. */
const transientReasons = new Set(['TransactionConflict', 'ProvisionedThroughputExceeded', 'ThrottlingError']);

/** Whether all cancellation reasons are transient. One failed condition makes the cancellation final. */
function isTransient(error: unknown): boolean {
  const { name, CancellationReasons: reasons } = (error ?? {}) as { name?: string; CancellationReasons?: { Code?: string }[] };
  if (name !== 'TransactionCanceledException' || !Array.isArray(reasons)) return false;
  const codes = reasons.map(({ Code }) => Code).filter((code) => code !== undefined && code !== 'None') as string[];
  return codes.length > 0 && codes.every((code) => transientReasons.has(code));
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${textOfThrown(error)}` : textOfThrown(error);
}
