/** Calls an operation of a service that is called rarely: signed, and retried for a short while. */
import { setTimeout as delay } from 'node:timers/promises';
import { type HttpAnswer, type HttpRequest, sendRequest } from './request.ts';
import type { ServiceAccess } from './service-access.ts';
import { createSigner } from './signature.ts';

const attemptsMax = 3;
const waitMs = 100;
/** A throttle of a service with JSON answers has the status 400, `{"__type":"ThrottlingException"}`, and so has one with XML answers. */
const throttle = /"__type" *: *"[^"]*Throttling|<Code>Throttling/;

export interface ServiceCall extends Pick<HttpRequest, 'body' | 'msMax' | 'signal'> {
  /** The name under which the service's requests are signed. */
  service: string;
  path?: string;
  headers: Record<string, string>;
  /** Including the first. */
  attempts?: number;
  /** Opens a connection for this call alone. A kept one may have been closed by the service, which only another attempt would hide. */
  ownConnection?: boolean;
}

/** The service refused the call, or failed. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  /** The service's name for the error, such as `ResourceNotFoundException`. Undefined if it gave none. */
  readonly code: string | undefined;

  constructor(message: string, code: string | undefined) {
    super(message);
    this.code = code;
  }
}

/** Rejects with ServiceError, or with the error of the connection. */
export async function callService(access: ServiceAccess, call: ServiceCall): Promise<HttpAnswer> {
  const { service, attempts = attemptsMax, signal } = call;
  for (let attempt = 1; ; attempt++) {
    const answer = await sendSigned(access, call).catch((error: Error) => error);
    if (!(answer instanceof Error) && answer.status < 300) return answer;
    if (attempt < attempts && isTransient(answer) && !signal?.aborted) {
      await delay(Math.random() * waitMs * 2 ** attempt);
      continue;
    }
    if (answer instanceof Error) throw answer;
    throw new ServiceError(`${service} answered ${answer.status}: ${answer.body.toString()}`, codeOf(answer));
  }
}

function isTransient(answer: HttpAnswer | Error): boolean {
  if (answer instanceof Error) return true;
  const { status, body } = answer;
  return status === 429 || status >= 500 || (status === 400 && throttle.test(body.toString()));
}

/** Services with REST paths name the error in a header, others in the body. Both may add a URL or a namespace. */
function codeOf({ headers, body }: HttpAnswer): string | undefined {
  const header = headers['x-amzn-errortype'];
  const named =
    typeof header === 'string' ? header : /"__type" *: *"([^"]+)"|<Code>([^<]+)</.exec(body.toString())?.slice(1).find(Boolean);
  return named?.replace(/:.*$/, '').replace(/^.*#/, '');
}

async function sendSigned(
  access: ServiceAccess,
  { service, path = '/', headers, ownConnection = false, ...request }: ServiceCall,
): Promise<HttpAnswer> {
  const { url: base, region, agent } = await access.endpoint();
  const url = new URL(base.pathname.replace(/\/$/, '') + path, base);
  const unsigned = { method: 'POST', path: url.pathname, headers: { ...headers, host: url.host }, body: request.body };
  const signed = createSigner(service)(unsigned, { credentials: await access.credentials(), region, at: Date.now() });
  return sendRequest({ ...request, method: 'POST', url, headers: signed, agent: !ownConnection && agent });
}
