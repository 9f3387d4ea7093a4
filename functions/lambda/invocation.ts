/**
 * A call by Lambda invoke: `{operation, params, input}`, without API Gateway and API keys. IAM decides which callers may invoke.
 * A caller may send `inputText` (the input as JSON text) instead of `input`; the answer then has `outputText`. Lambda parses and rewrites
 * the JSON that it carries, and loses digits that a JavaScript number cannot hold.
 */
import type { OperationName, OutputOf } from '../../contract/contract.ts';
import { type DumbwaiterError, type ErrorCode, invalidInput } from '../../contract/errors.ts';
import { withValues, writeJson } from '../../contract/json-values.ts';
import { isPathName } from '../../contract/path-names.ts';
import type { Principal } from '../auth/authorize.ts';
import { refusalOf } from '../errors/refusal.ts';
import { parseRequest } from '../http/request-body.ts';
import { type CountAnswer, type Log, logAnswer } from '../service/log.ts';
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
  countAnswer?: CountAnswer | undefined;
  requestId: string;
  left: TimeLeft;
}

/** Returns every error as an answer: a failed invocation always means a failure of Lambda itself. */
export async function answerInvocation(
  event: unknown,
  { service, principal, log, countAnswer, requestId, left }: InvocationParts,
): Promise<InvocationAnswer> {
  const call = typeof event === 'object' && event !== null ? event : {};
  const operation = 'operation' in call ? call.operation : undefined;
  const startedAt = performance.now();
  const params = 'params' in call ? call.params : {};
  const named = { operation: isOperation(operation) ? operation : undefined, ...namesIn(params) };
  let refused: DumbwaiterError | undefined;
  try {
    if (!isOperation(operation)) {
      throw invalidInput('operation: must be an operation of the queue, such as publish or receive');
    }
    const input = inputOf(call);
    const { signal, endsAt } = left;
    const output = await inTime(left, () => service.call(operation, params, input, { principal, signal, endsAt }));
    return 'inputText' in call ? { ok: true, outputText: writeJson(output) } : { ok: true, output: withValues(output) };
  } catch (error) {
    refused = refusalOf(error, requestId, log, named);
    const { code, message, retryAfterMs } = refused;
    return { ok: false, error: { code, message, requestId, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) } };
  } finally {
    const ms = Math.round(performance.now() - startedAt);
    const { status, code } = refused ?? { status: 200, code: undefined };
    logAnswer(log, { requestId, ...named, principal: principal.id, status, code, ms }, countAnswer);
  }
}

/** The queue or topic that the parameters name, which may not have been checked. */
function namesIn(params: unknown): { queue?: string; topic?: string } {
  const { queue, topic } = (params ?? {}) as { queue?: unknown; topic?: unknown };
  return { ...(isPathName('queue', queue) && { queue }), ...(isPathName('topic', topic) && { topic }) };
}

function inputOf(call: object): unknown {
  if (!('inputText' in call)) return 'input' in call ? call.input : {};
  if (typeof call.inputText === 'string') return parseRequest(call.inputText, 'inputText');
  throw invalidInput('inputText: must be JSON text');
}
