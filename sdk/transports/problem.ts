/** Turns an HTTP response that is not a success into a DumbwaiterError. */
import { DumbwaiterError, type ErrorCode, errors } from '../../contract/errors.ts';

/** The meaning of a status without an error code of the queue: from a gateway, a proxy or a load balancer. */
const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid_input',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  408: 'request_timeout',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  425: 'unavailable',
  429: 'throttled',
  431: 'headers_too_large',
};

const detailCharsMax = 200;

/** The error that a response reports: problem+json (RFC 9457) with `code`, or the text of a gateway. */
export function refusalOf(response: Response, text: string): DumbwaiterError {
  const { status, headers } = response;
  const problem = objectIn(text);
  const retryAfterMs = retryAfterOf(headers.get('retry-after'));
  const requestId = stringAt(problem, 'requestId') ?? headers.get('x-request-id') ?? headers.get('apigw-requestid');
  const more = { ...(requestId && { requestId }), ...(retryAfterMs !== undefined && { retryAfterMs }) };

  const code = stringAt(problem, 'code');
  const said = stringAt(problem, 'detail') ?? stringAt(problem, 'title') ?? stringAt(problem, 'message');
  if (code !== undefined && isErrorCode(code)) return new DumbwaiterError(code, said ?? code, more);

  if (response.type === 'opaqueredirect' || (status >= 300 && status < 400))
    return new DumbwaiterError('not_found', `The URL redirects to ${headers.get('location') ?? 'another'}: use that URL.`, more);
  // A 5xx without a code did not come from the queue: a gateway could not reach it, or got no response in time.
  const guess = codeOfStatus[status] ?? (status >= 500 ? 'unavailable' : 'invalid_input');
  const detail = said ?? text.trim().slice(0, detailCharsMax);
  return new DumbwaiterError(guess, `HTTP ${status}${detail === '' ? '' : `: ${detail}`}`, more);
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errors, code);
}

/** Seconds or a date (RFC 9110, 10.2.3), converted to ms from now. */
function retryAfterOf(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

function objectIn(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function stringAt(from: object | undefined, name: string): string | undefined {
  const value = from === undefined ? undefined : (from as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : undefined;
}
