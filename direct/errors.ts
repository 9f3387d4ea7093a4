/** What failed between this process and DynamoDB, in the terms of the queue's other transports. */

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

/** Of a call of the queue. What nobody expects is a defect, told with its cause. */
export function refusalOfCall(error: unknown): DumbwaiterError {
  return known(error) ?? new DumbwaiterError('internal', `Something went wrong: ${describe(error)}`, { cause: error });
}

/** Of a transaction of the caller's own: what is his own fault, or his own condition's, is thrown as the AWS client told it. */
export function refusalOfCommit(error: unknown, items: readonly TransactionWrite[]): unknown {
  if (isTransient(error))
    return new DumbwaiterError('unavailable', `Nothing was committed: ${describe(error)}`, { cause: error });
  return refusalOfTransaction(error, items) ?? known(error) ?? error;
}

function known(error: unknown): DumbwaiterError | undefined {
  // The caller's own process may know what the store said.
  if (error instanceof DumbwaiterError && error.cause instanceof StoreError)
    return new DumbwaiterError(error.code, `${error.message} ${error.cause.message}`, { cause: error.cause });
  if (error instanceof DumbwaiterError) return error;
  if (error instanceof StoreError) return new DumbwaiterError('unavailable', error.message, { cause: error });
  const code = isMisconfiguration(error) ? 'invalid_input' : codeOfName[(error as { name?: string } | undefined)?.name ?? ''];
  return code && new DumbwaiterError(code, `DynamoDB was not asked, or refused: ${describe(error)}`, { cause: error });
}

/** Reasons for which the same transaction may well be committed in a while. */
const passing = new Set(['TransactionConflict', 'ProvisionedThroughputExceeded', 'ThrottlingError']);

/** Cancelled for nothing but what passes: one refused condition is an answer that stays. */
function isTransient(error: unknown): boolean {
  const { name, CancellationReasons: reasons } = (error ?? {}) as { name?: string; CancellationReasons?: { Code?: string }[] };
  if (name !== 'TransactionCanceledException' || !Array.isArray(reasons)) return false;
  const codes = reasons.map(({ Code }) => Code).filter((code) => code !== undefined && code !== 'None') as string[];
  return codes.length > 0 && codes.every((code) => passing.has(code));
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${textOfThrown(error)}` : textOfThrown(error);
}
