/** Returns errors over HTTP as problem+json (https://www.rfc-editor.org/rfc/rfc9457). */
import { meanings } from '../../contract/error-meanings.ts';
import type { DumbwaiterError } from '../../contract/errors.ts';

export const problemMediaType = 'application/problem+json';

export function problemResponse(refusal: DumbwaiterError): Response {
  const { code, status, message, requestId, retryAfterMs } = refusal;
  const headers = new Headers({ 'content-type': problemMediaType });
  if (retryAfterMs !== undefined) headers.set('retry-after', String(Math.ceil(retryAfterMs / 1000)));
  if (code === 'unauthorized') headers.set('www-authenticate', 'Bearer realm="dumbwaiter"');
  const problem = { type: `urn:dumbwaiter:${code}`, title: meanings[code], status, detail: message, code, requestId };
  return new Response(JSON.stringify(problem), { status, headers });
}
