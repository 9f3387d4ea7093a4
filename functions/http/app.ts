/**
 * The HTTP API as an app from `Request` to `Response`, which runs on Lambda and on a local port. Its paths are the contract's `routes`;
 * its errors are problem+json. This folder holds HTTP only: it knows no rule of the queue.
 */
import { type Context, Hono } from 'hono';
import { cors } from 'hono/cors';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { OperationName } from '../../contract/contract.ts';
import { DumbwaiterError, type ErrorCode, invalidInput } from '../../contract/errors.ts';
import { writeJson } from '../../contract/json-values.ts';
import { type Route, routes } from '../../contract/routes.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import { authorizeReset, type Principal } from '../auth/authorize.ts';
import { coversAll } from '../auth/name-patterns.ts';
import { problemOf, refusalOf } from '../errors/refusal.ts';
import { type CountAnswer, type Log, logAnswer } from '../service/log.ts';
import type { Service } from '../service/service.ts';
import { inTime, type TimeLeft } from '../service/time-left.ts';
import { type ConsoleFiles, createConsole } from './console.ts';
import { checkHost, type IsOwnHost } from './own-host.ts';
import { publicUrl } from './public-url.ts';
import { inputOfQuery } from './query.ts';
import { readJson } from './request-body.ts';

export interface AppParts {
  service: Service;
  authenticate: Authenticate;
  log: Log;
  countAnswer?: CountAnswer;
  /** Generates the id of a request whose `Bindings` have none. */
  newRequestId(): string;
  /** Origins whose web pages may call from a browser; `*` allows all. Default: none. On AWS, API Gateway handles this instead. */
  allowedOrigins?: string[];
  /** Whether a `Host` header names this server. Default: every name does. Protects servers on a loopback address from DNS rebinding. */
  isOwnHost?: IsOwnHost;
  /** The files of the console, to serve under `/console`. Default: no console. */
  consoleFiles?: () => Promise<ConsoleFiles>;
  /** What `GET /metrics` answers to a key that covers all queues. Default: no such path. */
  metrics?: { contentType: string; text(): Promise<string> };
  /** Empties the queue, except for its API keys. Only a local server has it. */
  reset?: () => Promise<void>;
  /** Whether to answer LocalStack's health check, which tools for it wait for. Default false. */
  localstackHealth?: boolean;
}

/** What the transport (API Gateway or the local server) knows about a request. */
export interface Bindings {
  requestId?: string;
  /** Set if the request is refused whatever it asks for, for example because its path cannot be trusted or it did not arrive whole. */
  refusal?: DumbwaiterError | undefined;
  /** Aborts when the caller has disconnected or the server stops. Absent: only `left` ends the call. */
  signal?: AbortSignal;
  /** The time that the process has left. Absent: unlimited. */
  left?: TimeLeft;
}

/** What a path names, for the log. */
interface Named {
  queue?: string | undefined;
  topic?: string | undefined;
}

interface Env {
  Bindings: Bindings;
  Variables: { requestId: string; operation?: OperationName; principal?: string; code?: ErrorCode } & Named;
}

export const openApiPath = '/v1/openapi.json';
const resetPath = '/v1/reset';

export function createApp(parts: AppParts): Hono<Env> {
  const { service, authenticate, log, newRequestId, allowedOrigins = [], isOwnHost, consoleFiles, metrics, reset } = parts;
  const app = new Hono<Env>();

  app.use(async (context, next) => {
    const startedAt = performance.now();
    const requestId = context.env.requestId ?? newRequestId();
    context.set('requestId', requestId);
    // Set before the response exists: headers that are added to a response make it leave the server's fast path.
    context.header('x-request-id', requestId);
    context.header('cache-control', 'no-store');
    await next();
    const ms = Math.round(performance.now() - startedAt);
    const { operation, principal, queue, topic, code } = context.var;
    const { method } = context.req;
    const { status } = context.res;
    logAnswer(log, { requestId, method, operation, queue, topic, principal, status, code, ms }, parts.countAnswer);
  });

  if (isOwnHost !== undefined) {
    app.use((context, next) => {
      checkHost(context.req.url, isOwnHost);
      return next();
    });
  }

  if (allowedOrigins.length > 0) app.use(crossOrigin(allowedOrigins));

  app.use((context, next) => {
    const { refusal, left } = context.env;
    if (refusal !== undefined) throw refusal;
    return inTime(left, next);
  });

  for (const operation of Object.keys(routes) as OperationName[]) {
    const route: Route = routes[operation];
    app.on(route.method, honoPath(route.path), async (context) => {
      context.set('operation', operation);
      context.set('queue', context.req.param('queue'));
      context.set('topic', context.req.param('topic'));
      const principal = route.scope === 'none' ? nobody : await authenticate(context.req.header('authorization'));
      context.set('principal', principal.id);
      const input = await inputOf(route, context.req.raw);
      const { left, signal = left?.signal } = context.env;
      const caller = { principal, ...(signal && { signal }), ...(left && { endsAt: left.endsAt }) };
      const output = await service.call(operation, context.req.param(), input, caller);
      return context.body(writeJson(output), route.status, { 'content-type': 'application/json' });
    });
  }

  app.get(openApiPath, async (context) => {
    // Loaded on demand: no other call needs it.
    const { openApiDocument } = await import('../openapi/document.ts');
    return context.json(openApiDocument(publicUrl(context.req.raw)));
  });

  if (consoleFiles) {
    app.route('/console', createConsole(consoleFiles));
    app.get('/', (context, next) =>
      context.req.header('accept')?.includes('text/html') ? context.redirect(`${publicUrl(context.req.raw)}/console/`) : next(),
    );
  }

  if (metrics) {
    app.get('/metrics', async (context) => {
      const principal = await authenticate(context.req.header('authorization'));
      if (!coversAll(principal.queues)) throw new DumbwaiterError('forbidden', 'Metrics need a key for all queues (*).');
      return context.body(await metrics.text(), 200, { 'content-type': metrics.contentType });
    });
  }

  if (reset) {
    app.post(resetPath, async (context) => {
      const principal = await authenticate(context.req.header('authorization'));
      context.set('principal', principal.id);
      authorizeReset(principal);
      await reset();
      return context.body('{}', 200, { 'content-type': 'application/json' });
    });
  }

  if (parts.localstackHealth) app.get('/_localstack/health', (context) => context.json({ services: { sqs: 'running' } }));

  for (const [path, methods] of methodsOfPaths()) {
    app.all(honoPath(path), (context) => {
      const refusal = new DumbwaiterError(
        'method_not_allowed',
        `${context.req.method} is not allowed on this path; allowed: ${methods.join(', ')}.`,
      );
      context.header('allow', methods.join(', '));
      return refused(refusal, context);
    });
  }

  app.notFound((context) => {
    const pages = consoleFiles ? ' The console is at /console.' : '';
    const path = context.req.path.slice(0, 200);
    const refusal = new DumbwaiterError('not_found', `There is no path ${path}; see ${openApiPath}.${pages}`);
    return refused(refusal, context);
  });
  app.onError((error, context) => refused(error, context));

  function refused(error: unknown, context: Context<Env>): Response {
    const { requestId, operation, queue, topic } = context.var;
    const refusal = refusalOf(error, requestId, log, { operation, queue, topic });
    context.set('code', refusal.code);
    const { text, headers } = problemOf(refusal);
    return context.body(text, refusal.status as ContentfulStatusCode, headers);
  }

  return app;
}

async function inputOf({ method }: Route, request: Request): Promise<unknown> {
  const query = request.url.includes('?') ? inputOfQuery(new URL(request.url).searchParams) : {};
  if (method === 'GET') return query;
  if (method === 'DELETE') {
    const bodyField = firstField(await readJson(request));
    if (bodyField === undefined) return query;
    throw invalidInput(`${bodyField.slice(0, 60)}: must be sent in the query string, not in a body`);
  }
  const [queryField] = Object.keys(query);
  if (queryField === undefined) return readJson(request);
  throw invalidInput(`${queryField.slice(0, 60)}: must be sent in the JSON body, not in the query string`);
}

/** The first field of a body that should be empty. Returns `input` if the body is not an object. */
function firstField(body: unknown): string | undefined {
  if (body === null) return undefined;
  return typeof body === 'object' && !Array.isArray(body) ? Object.keys(body)[0] : 'input';
}

/** Browsers do not attach the `authorization` header on their own as they do cookies, so a page can use only keys that it holds. */
function crossOrigin(origin: string[]) {
  return cors({
    origin,
    allowMethods: ['GET', 'PUT', 'POST', 'PATCH', 'DELETE'],
    allowHeaders: ['authorization', 'content-type'],
    exposeHeaders: ['retry-after', 'x-request-id'],
    maxAge: preflightSeconds,
  });
}

const preflightSeconds = 3600;

const nobody: Principal = { id: 'nobody', scopes: [], queues: [], topics: [] };

/** The contract writes `{name}` where Hono writes `:name`. */
function honoPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

/** The methods that each path allows. HEAD is allowed wherever GET is. */
function methodsOfPaths(): Map<string, string[]> {
  const paths = new Map<string, string[]>([[openApiPath, ['GET', 'HEAD']]]);
  for (const { method, path } of Object.values(routes) as Route[]) {
    const methods = paths.get(path) ?? [];
    methods.push(...(method === 'GET' ? ['GET', 'HEAD'] : [method]));
    paths.set(path, methods);
  }
  return paths;
}
