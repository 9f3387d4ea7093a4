/**
 * A call by Lambda invoke: `{operation, params, input}`, without API Gateway and API keys. IAM decides which callers may invoke.
 * A caller may send `inputText` (the input as JSON text) instead of `input`; the answer then has `outputText`. Lambda parses and rewrites
 * the JSON that it carries, and loses digits that a JavaScript number cannot hold.
 */
import type { OperationName, OutputOf } from '../../contract/contract.ts';
import { type ErrorCode, invalidInput } from '../../contract/errors.ts';
import { withValues, writeJson } from '../../contract/json-values.ts';
import type { Principal } from '../auth/authorize.ts';
import { refusalOf } from '../errors/refusal.ts';
import { parseRequest } from '../http/request-body.ts';
import type { Log } from '../service/log.ts';
import { isOperation, type Service } from '../service/service.ts';
import { inTime, type TimeLeft } from '../service/time-left.ts';

export type InvocationAnswer =
  | { ok: true; output: OutputOf<OperationName> }
  | { ok: true; outputText: string }
  | { ok: false; error: { code: ErrorCode; message: string; requestId: string; retryAfterMs?: number } };

interface InvocationParts {
  service: Service;
  principal: Principal;
  log: Log;
  requestId: string;
  left: TimeLeft;
}

/** Returns every error as an answer: a failed invocation always means a failure of Lambda itself. */
export async function answerInvocation(
  event: unknown,
  { service, principal, log, requestId, left }: InvocationParts,
): Promise<InvocationAnswer> {
  const call = typeof event === 'object' && event !== null ? event : {};
  const operation = 'operation' in call ? call.operation : undefined;
  const startedAt = performance.now();
  let status = 200;
  try {
    if (!isOperation(operation)) {
      throw invalidInput('operation: must be an operation of the queue, such as publish or receive');
    }
    const params = 'params' in call ? call.params : {};
    const input = inputOf(call);
    const { signal, endsAt } = left;
    const output = await inTime(left, () => service.call(operation, params, input, { principal, signal, endsAt }));
    return 'inputText' in call ? { ok: true, outputText: writeJson(output) } : { ok: true, output: withValues(output) };
  } catch (error) {
    const { code, message, retryAfterMs, status: refused } = refusalOf(error, requestId, log);
    status = refused;
    return { ok: false, error: { code, message, requestId, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) } };
  } finally {
    const ms = Math.round(performance.now() - startedAt);
    log.info('Answered', {
      requestId,
      operation: isOperation(operation) ? operation : undefined,
      principal: principal.id,
      status,
      ms,
    });
  }
}

function inputOf(call: object): unknown {
  if (!('inputText' in call)) return 'input' in call ? call.input : {};
  if (typeof call.inputText === 'string') return parseRequest(call.inputText, 'inputText');
  throw invalidInput('inputText: must be JSON text');
}
