/** Converts any thrown value to an error that is safe to return, and an error to problem+json (https://www.rfc-editor.org/rfc/rfc9457). */
import { meanings } from '../../contract/error-meanings.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { StoreError } from '../../engine/port/port.ts';
import type { Log, LogFields } from '../service/log.ts';

export const problemMediaType = 'application/problem+json';
/** Returned with status 429 and 503 when the error itself does not say how long to wait. */
const retryAfterMsDefault = 1000;

/**
 * A defect is logged in full and returned as `internal`, so that no detail leaks. `named`: what the call names, such as its operation and its
 * queue, for the log.
 */
export function refusalOf(error: unknown, requestId: string, log: Log, named: LogFields = {}): DumbwaiterError {
  const refusal = callerError(error);
  if (refusal.code === 'internal') log.error('Defect', { kind: 'defect', requestId, ...named, code: refusal.code }, error);
  else if (refusal.status >= 500)
    log.warn('Unavailable', { kind: 'unavailable', requestId, ...named, code: refusal.code, detail: detailOf(refusal) });
  const retryAfterMs =
    refusal.retryAfterMs ?? (refusal.status === 429 || refusal.status === 503 ? retryAfterMsDefault : undefined);
  return new DumbwaiterError(refusal.code, refusal.message, {
    requestId,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

function callerError(error: unknown): DumbwaiterError {
  if (error instanceof DumbwaiterError && error.code !== 'internal') return error;
  if (error instanceof StoreError)
    return new DumbwaiterError('unavailable', 'The store did not answer in time; try again.', { cause: error });
  return new DumbwaiterError('internal', 'An internal error occurred. Search the logs for the request id.');
}

/** The message, with the store's own error if there is one. For the log only. */
function detailOf({ message, cause }: DumbwaiterError): string {
  return cause instanceof Error ? `${message} ${cause.message}` : message;
}

/** The body of the response, and the headers that belong to it. */
export function problemOf(refusal: DumbwaiterError): { text: string; headers: Record<string, string> } {
  const { code, status, message, requestId, retryAfterMs } = refusal;
  const headers = {
    'content-type': problemMediaType,
    ...(retryAfterMs !== undefined && { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) }),
    ...(code === 'unauthorized' && { 'www-authenticate': 'Bearer realm="dumbwaiter"' }),
  };
  const problem = { type: `urn:dumbwaiter:${code}`, title: meanings[code], status, detail: message, code, requestId };
  return { text: JSON.stringify(problem), headers };
}
