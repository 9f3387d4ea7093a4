import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { InputOf, OperationName, OutputOf, ParamsOf } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { routes } from '../../contract/routes.ts';

export interface SeenCall {
  operation: OperationName;
  params: Record<string, string>;
  input: Record<string, unknown>;
  authorization: string | undefined;
}

export type Answers = {
  [Name in OperationName]?: (input: InputOf<Name>, params: ParamsOf<Name>) => OutputOf<Name> | Promise<OutputOf<Name>>;
};

/** A real HTTP server that follows the contract. It answers operations by `answers`, or the next request by `once`. */
export class ContractServer {
  readonly calls: SeenCall[] = [];
  /** Requests whose connection the client closed before the answer. */
  aborted = 0;
  #once: ((response: ServerResponse, request: IncomingMessage) => void)[] = [];
  readonly #answers: Answers;
  readonly #server: Server;

  private constructor(answers: Answers) {
    this.#answers = answers;
    this.#server = createServer((request, response) => void this.#handle(request, response));
  }

  static async start(answers: Answers): Promise<ContractServer> {
    const server = new ContractServer(answers);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  callsOf(operation: OperationName): SeenCall[] {
    return this.calls.filter((call) => call.operation === operation);
  }

  /** Answers the next request by `respond` instead of its operation. */
  once(respond: (response: ServerResponse, request: IncomingMessage) => void): void {
    this.#once.push(respond);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('close', () => {
      if (!response.writableEnded) this.aborted++;
    });
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const call = seenCall(request, Buffer.concat(chunks).toString());
    this.calls.push(call);
    const once = this.#once.shift();
    if (once) return once(response, request);
    try {
      const answer = this.#answers[call.operation] as ((input: unknown, params: unknown) => unknown) | undefined;
      if (!answer) throw new DumbwaiterError('not_found', `this server knows no ${call.operation}`);
      send(response, routes[call.operation].status, await answer(call.input, call.params));
    } catch (error) {
      sendProblem(response, error);
    }
  }
}

export function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

export function sendProblem(response: ServerResponse, error: unknown): void {
  const refusal = error instanceof DumbwaiterError ? error : new DumbwaiterError('internal', String(error));
  send(
    response,
    refusal.status,
    { type: 'about:blank', status: refusal.status, code: refusal.code, detail: refusal.message, requestId: 'request-1' },
    {
      'content-type': 'application/problem+json',
      ...(refusal.retryAfterMs !== undefined && { 'retry-after': String(refusal.retryAfterMs / 1000) }),
    },
  );
}

function seenCall(request: IncomingMessage, body: string): SeenCall {
  const url = new URL(request.url ?? '/', 'http://localhost');
  for (const [operation, route] of Object.entries(routes)) {
    const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
    const match = new RegExp(`^${route.path.replace(/\{\w+\}/g, '([^/]+)')}$`).exec(url.pathname);
    if (!match || request.method !== route.method) continue;
    return {
      operation: operation as OperationName,
      params: Object.fromEntries(names.map((name, i) => [name, decodeURIComponent(match[i + 1] as string)])),
      input: body === '' ? Object.fromEntries(url.searchParams) : JSON.parse(body),
      authorization: request.headers.authorization,
    };
  }
  throw new Error(`${request.method} ${url.pathname} is not in the contract`);
}
