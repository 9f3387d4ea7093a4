/**
 * The SQS API (2012-11-05) beside the HTTP API, on the same port. This folder is a wire layer: it reads both protocols of SQS, calls
 * the queue's operations, and holds no rule of the queue. `actions/` has one file for each action.
 */
import { DumbwaiterError } from '../../contract/errors.ts';
import { fifoEnding, isPathName } from '../../contract/path-names.ts';
import { refusalOf } from '../errors/refusal.ts';
import type { Bindings } from '../http/app.ts';
import { checkHost, type IsOwnHost } from '../http/own-host.ts';
import { publicUrl } from '../http/public-url.ts';
import { readBytes } from '../http/request-body.ts';
import { type Answer, type CountAnswer, type Log, logAnswer } from '../service/log.ts';
import { inTime } from '../service/time-left.ts';
import { actions, isAction } from './actions/actions.ts';
import { addressesOf, regionOf } from './addresses.ts';
import type { AuthenticateSqs } from './authenticate.ts';
import { queueOf, type SqsCall, type SqsParts } from './call.ts';
import { SqsError, sqsErrorOf } from './errors.ts';
import { textOf } from './input.ts';
import type { Protocol } from './protocol.ts';
import { isJsonCall, jsonProtocol } from './protocol-json.ts';
import { isQueryCall, queryProtocol } from './protocol-query.ts';

export interface SqsFaceParts extends SqsParts {
  log: Log;
  countAnswer?: CountAnswer;
  authenticate: AuthenticateSqs;
  newRequestId(): string;
  /** See `AppParts`. */
  isOwnHost?: IsOwnHost;
  /** Whether a queue that a call names is created if it does not exist. Default false. */
  createsQueues?: boolean;
}

export interface SqsFace {
  /** Whether a request is a call of SQS. */
  takes(request: Request): boolean;
  fetch(request: Request, bindings: Bindings): Promise<Response>;
}

/** What is known of a request, for the log. */
type Named = Pick<Answer, 'operation' | 'queue' | 'principal'>;

/** Escapes can make a message of 1 MiB several times as long. */
const requestBytesMax = 8 * 1024 * 1024;

export function createSqsFace(parts: SqsFaceParts): SqsFace {
  const { log, authenticate, isOwnHost } = parts;

  /** Notes in `named` what the request names, as soon as it is known. */
  async function answer(request: Request, protocol: Protocol, bindings: Bindings, requestId: string, named: Named) {
    if (bindings.refusal !== undefined) throw bindings.refusal;
    checkCaller(request, isOwnHost);
    const body = await readBytes(request, requestBytesMax);
    const { action, input } = protocol.read(request, body);
    if (isAction(action)) named.operation = `sqs:${action}`;
    const { pathname, search } = new URL(request.url);
    // Clients sign the path that they send. A proxy may have removed its beginning.
    const base = publicUrl(request);
    const url = `${base}${pathname}${search}`;
    const principal = await authenticate({ method: request.method, url, headers: request.headers, body });
    named.principal = principal.id;
    if (!isAction(action)) {
      if (action === '') throw new SqsError('MissingAction', 'The request must contain the parameter Action.');
      throw new SqsError('UnknownOperationException', `The action ${action.slice(0, 100)} is not valid for this endpoint.`);
    }
    const { left, signal = left?.signal } = bindings;
    const call = {
      input: input(),
      addresses: addressesOf(base, decodeURIComponent(pathname), regionOf(request)),
      caller: { principal, ...(signal && { signal }), ...(left && { endsAt: left.endsAt }) },
    };
    named.queue = queueNamedBy(call);
    const output = await actions[action](parts, call).catch(async (error: unknown) => {
      if (!parts.createsQueues || !isMissingQueue(error) || action === 'DeleteQueue') throw error;
      const QueueName = textOf(call.input, 'QueueName') ?? queueOf(call);
      const Attributes = QueueName.endsWith(fifoEnding) ? { Attributes: { FifoQueue: 'true' } } : {};
      await actions.CreateQueue(parts, { ...call, input: { QueueName, ...Attributes } });
      return actions[action](parts, call);
    });
    return protocol.answer(action, output, requestId);
  }

  return {
    takes: (request) => isJsonCall(request) || isQueryCall(request),
    async fetch(request, bindings) {
      const startedAt = performance.now();
      const requestId = bindings.requestId ?? parts.newRequestId();
      const protocol = isJsonCall(request) ? jsonProtocol : queryProtocol;
      let code: string | undefined;
      const named: Named = { operation: undefined };
      const { status, headers, text } = await inTime(bindings.left, () =>
        answer(request, protocol, bindings, requestId, named),
      ).catch((error: unknown) => {
        const sqsError = error instanceof SqsError ? error : sqsErrorOf(refusalOf(error, requestId, log, { ...named }));
        code = sqsError.terms.queryCode;
        return protocol.refuse(sqsError, requestId);
      });
      const ms = Math.round(performance.now() - startedAt);
      logAnswer(log, { requestId, method: request.method, ...named, status, code, ms }, parts.countAnswer);
      return new Response(text, { status, headers: { ...headers, 'x-amzn-requestid': requestId, 'cache-control': 'no-store' } });
    },
  };
}

/** For the log: the queue that a call names, if it is the name of a queue. */
function queueNamedBy({ input, addresses }: SqsCall): string | undefined {
  const text = input.QueueUrl ?? input.QueueName ?? addresses.queueOfPath;
  const name = typeof text === 'string' ? text.split('/').findLast((part) => part !== '') : undefined;
  return isPathName('queue', name) ? name : undefined;
}

function isMissingQueue(error: unknown): boolean {
  if (error instanceof SqsError) return error.code === 'QueueDoesNotExist';
  return error instanceof DumbwaiterError && error.code === 'queue_not_found';
}

/**
 * Throws `forbidden` for a request to a name of another host, and for one that a web page sent. A page can send a form to this
 * machine without asking, and no client of SQS is a web page of another origin here.
 */
function checkCaller(request: Request, isOwnHost: IsOwnHost | undefined): void {
  if (isOwnHost !== undefined) checkHost(request.url, isOwnHost);
  const site = request.headers.get('sec-fetch-site');
  if (request.headers.has('origin') || (site !== null && site !== 'none' && site !== 'same-origin')) {
    throw new DumbwaiterError('forbidden', 'Origin: web pages may not call SQS here');
  }
}
