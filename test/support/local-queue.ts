/** A local server in memory for the tests of one file, and its HTTP API without the SDK. */
import { expect } from 'vitest';
import type { InputOf, OperationName, OutputOf, ParamsOf } from '../../contract/contract.ts';
import type { ErrorCode } from '../../contract/errors.ts';
import { type Route, routes } from '../../contract/routes.ts';
import { type LocalOptions, type LocalServer, startLocal } from '../../functions/local/server.ts';
import { problem } from '../../functions/openapi/output-records.ts';
import { outputs } from '../../functions/openapi/outputs.ts';
import type { Log } from '../../functions/service/log.ts';

export const adminKey = 'the-admin-key-of-these-tests';

export interface LocalQueue {
  server: LocalServer;
  http: HttpCalls;
  /** The errors that were logged. Tests assert that there are none. */
  defects: string[];
}

/** `dynamodb`: on the embedded DynamoDB engine. Default: on SQLite, also in memory. */
export async function startLocalQueue(
  options: Pick<LocalOptions, 'timeLimits' | 'dynamodb' | 'environment'> = {},
): Promise<LocalQueue> {
  const { log, defects } = loggedDefects();
  const server = await startLocal({ data: 'memory', log, adminKey, ...options });
  return { server, defects, http: httpCalls(server.url, adminKey) };
}

export function loggedDefects(): { log: Log; defects: string[] } {
  const defects: string[] = [];
  const log: Log = {
    info: () => undefined,
    warn: () => undefined,
    error: (message, fields, error) =>
      defects.push(`${message} ${JSON.stringify(fields)} ${error instanceof Error ? error.stack : error}`),
  };
  return { log, defects };
}

export interface HttpCalls {
  /** Calls an operation that must succeed, and checks the answer against its schema in the OpenAPI document. */
  call<Name extends OperationName>(operation: Name, params: ParamsOf<Name>, input?: InputOf<Name>): Promise<OutputOf<Name>>;
  /** Sends any request. `path` begins with `/v1`; `body` is sent as JSON unless it is a string. */
  send(method: string, path: string, options?: { body?: unknown; headers?: Record<string, string> }): Promise<Response>;
  /** The same calls with another key, or none. */
  as(key: string | undefined): HttpCalls;
}

export function httpCalls(url: string, key: string | undefined): HttpCalls {
  const send: HttpCalls['send'] = (method, path, { body, headers = {} } = {}) =>
    fetch(`${url}${path}`, {
      method,
      headers: {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  return {
    send,
    as: (other) => httpCalls(url, other),
    async call(operation, params, input) {
      const route: Route = routes[operation];
      const { path, body } = requestFor(route, params, input);
      const response = await send(route.method, path, { body });
      const answer = await response.json();
      expect(response.status, `${operation}: ${JSON.stringify(answer)}`).toBe(route.status);
      // A schema drops unknown fields: none may be dropped.
      expect(outputs[operation].parse(answer)).toEqual(answer);
      return answer as never;
    },
  };
}

/** The input of GET and DELETE is the query string. */
export function requestFor({ method, path }: Route, params: object, input?: object): { path: string; body: unknown } {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(new Map(Object.entries(params)).get(name))),
  );
  if (method !== 'GET' && method !== 'DELETE') return { path: filled, body: input };
  const query = new URLSearchParams(Object.entries(input ?? {}).map(([name, value]) => [name, String(value)])).toString();
  return { path: query === '' ? filled : `${filled}?${query}`, body: undefined };
}

/** Expects the problem `code` in the form of the contract. Returns its detail. */
export async function expectProblem(response: Response, status: number, code: ErrorCode): Promise<string> {
  const answer = (await response.json()) as { code: string; detail: string; requestId: string };
  expect({ ...answer, status: response.status }).toMatchObject({ status, code });
  expect(problem.parse(answer)).toEqual(answer);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(response.headers.get('x-request-id')).toBe(answer.requestId);
  return answer.detail;
}
