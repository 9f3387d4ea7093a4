/**
 * A proxy between the store's client and a DynamoDB engine that injects random faults: throttling, failures, connections that end before or
 * after the request is done, late answers, late and repeated requests, and batches that are half done.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../engine/port/port.ts';

export type ProxyFault =
  /** Throttled, not done. */
  | 'ThrottlingException'
  | 'ProvisionedThroughputExceededException'
  /** Refused because of another transaction on the same row. */
  | 'TransactionConflict'
  /** DynamoDB failed, before or after the request was done. */
  | 'InternalServerError before'
  | 'InternalServerError after'
  /** The connection ended without an answer, before or after the request was done. */
  | 'reset before'
  | 'reset after'
  /** The connection ended, and the request is done afterwards. */
  | 'late'
  /** Done, answered, and done again afterwards. */
  | 'twice'
  /** Done, and answered after the client gave up. */
  | 'too slow'
  /** Half of a batch is done. */
  | 'half';

export interface FaultProxy {
  endpoint: string;
  /** How often each fault occurred. */
  counts: Record<ProxyFault, number>;
  /** Injects no more faults. Resolves when all late requests are done. */
  calm(): Promise<void>;
  stop(): Promise<void>;
}

export interface FaultProxyOptions {
  /** The endpoint of the DynamoDB engine. */
  target: string;
  random: Random;
  /** The probability of each fault, by request. A fault that does not fit a request leaves it alone. */
  rates: Record<ProxyFault, number>;
  /** The longest delay of a late request, in ms. */
  lateMsMax: number;
  /** The delay of an answer that is too slow, in ms: longer than the client waits. */
  slowMs: number;
}

interface ProxiedRequest {
  operation: string;
  method: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

interface ProxiedAnswer {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

export async function startFaultProxy({ target, random, rates, lateMsMax, slowMs }: FaultProxyOptions): Promise<FaultProxy> {
  const names = Object.keys(rates) as ProxyFault[];
  const counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<ProxyFault, number>;
  const pending = new Set<Promise<unknown>>();
  let calm = false;

  const later = (run: () => Promise<unknown>) => {
    const running: Promise<unknown> = delay(random.number() * lateMsMax)
      .then(run)
      // The answer is not used.
      .catch(() => undefined)
      .finally(() => pending.delete(running));
    pending.add(running);
  };

  function draw(proxied: ProxiedRequest): ProxyFault | undefined {
    if (calm) return undefined;
    let at = random.number();
    const fault = names.find((name) => {
      at -= rates[name];
      return at < 0;
    });
    return fault !== undefined && fits(fault, proxied) ? fault : undefined;
  }

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const proxied = await read(incoming);
    const fault = draw(proxied);
    if (fault) counts[fault]++;
    const reset = () => void incoming.socket.destroy();
    switch (fault) {
      case 'ThrottlingException':
      case 'ProvisionedThroughputExceededException':
        return refuse(response, 400, { __type: `com.amazonaws.dynamodb.v20120810#${fault}` });
      case 'TransactionConflict':
        return refuse(response, 400, conflict(proxied));
      case 'InternalServerError after':
        await forward(target, proxied);
        return refuse(response, 500, { __type: 'com.amazonaws.dynamodb.v20120810#InternalServerError' });
      case 'InternalServerError before':
        return refuse(response, 500, { __type: 'com.amazonaws.dynamodb.v20120810#InternalServerError' });
      case 'late':
        later(() => forward(target, proxied));
        return reset();
      case 'reset before':
        return reset();
      case 'reset after':
        await forward(target, proxied);
        return reset();
      case 'twice':
        later(() => forward(target, proxied));
        return answer(response, await forward(target, proxied));
      case 'too slow': {
        const answered = await forward(target, proxied);
        await delay(slowMs);
        return answer(response, answered);
      }
      case 'half':
        return answer(response, await forwardHalf(target, proxied));
      case undefined:
        return answer(response, await forward(target, proxied));
    }
  }

  // The client or the engine is gone, so there is no one to report to.
  const server = createServer((incoming, response) => void handle(incoming, response).catch(() => incoming.socket.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    async calm() {
      calm = true;
      await Promise.all(pending);
    },
    async stop() {
      calm = true;
      await Promise.all(pending);
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function read(incoming: IncomingMessage): Promise<ProxiedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const operation = String(incoming.headers['x-amz-target']).split('.')[1] ?? '';
  return { operation, method: incoming.method ?? 'POST', headers: incoming.headers, body: Buffer.concat(chunks) };
}

/** DynamoDB recognises a repeated transaction by its token. The tests do not rely on this engine to do so. */
const transactions = new Set(['TransactWriteItems']);
const writesOfOne = new Set(['PutItem', 'UpdateItem', 'DeleteItem']);
const batches = new Set(['BatchWriteItem', 'BatchGetItem']);

function fits(fault: ProxyFault, { operation, body }: ProxiedRequest): boolean {
  if (fault === 'half') return batches.has(operation) && entriesOf(JSON.parse(body.toString())).length > 1;
  if (fault === 'TransactionConflict') return writesOfOne.has(operation) || transactions.has(operation);
  return true;
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html */
function conflict({ operation, body }: ProxiedRequest): object {
  const prefix = 'com.amazonaws.dynamodb.v20120810#';
  if (!transactions.has(operation)) return { __type: `${prefix}TransactionConflictException` };
  const { TransactItems: items } = JSON.parse(body.toString()) as { TransactItems: unknown[] };
  const reasons = items.map((_, index) => ({ Code: index === 0 ? 'TransactionConflict' : 'None' }));
  return { __type: `${prefix}TransactionCanceledException`, CancellationReasons: reasons };
}

function forward(target: string, { method, headers, body }: ProxiedRequest): Promise<ProxiedAnswer> {
  return new Promise((resolve, reject) => {
    const onward = request(target, { method, headers: { ...headers, connection: 'close' } }, async (response) => {
      try {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk as Buffer);
        resolve({ status: response.statusCode ?? 500, headers: response.headers, body: Buffer.concat(chunks) });
      } catch (error) {
        reject(error);
      }
    });
    onward.on('error', reject).end(body);
  });
}

type Batch = { RequestItems: Record<string, unknown[] | { Keys: unknown[] }> };

function entriesOf({ RequestItems: tables }: Batch): { table: string; entry: unknown }[] {
  return Object.entries(tables).flatMap(([table, of]) => (Array.isArray(of) ? of : of.Keys).map((entry) => ({ table, entry })));
}

/** Does the entries at even indexes, and answers that the others are unprocessed. */
async function forwardHalf(target: string, proxied: ProxiedRequest): Promise<ProxiedAnswer> {
  const batch = JSON.parse(proxied.body.toString()) as Batch;
  const of = (parity: number): Batch['RequestItems'] => {
    const chosen = Map.groupBy(
      entriesOf(batch).filter((_, index) => index % 2 === parity),
      ({ table }) => table,
    );
    return Object.fromEntries(
      [...chosen].map(([table, entries]) => {
        const whole = batch.RequestItems[table]!;
        const those = entries.map(({ entry }) => entry);
        return [table, Array.isArray(whole) ? those : { ...whole, Keys: those }];
      }),
    );
  };
  const body = Buffer.from(JSON.stringify({ ...batch, RequestItems: of(0) }));
  const answered = await forward(target, {
    ...proxied,
    headers: { ...proxied.headers, 'content-length': String(body.length) },
    body,
  });
  const left = proxied.operation === 'BatchGetItem' ? 'UnprocessedKeys' : 'UnprocessedItems';
  return { ...answered, body: Buffer.from(JSON.stringify({ ...JSON.parse(answered.body.toString()), [left]: of(1) })) };
}

function refuse(response: ServerResponse, status: number, problem: object): void {
  const headers = { 'content-type': 'application/x-amz-json-1.0', date: new Date().toUTCString() };
  answer(response, { status, headers, body: Buffer.from(JSON.stringify({ message: 'by the fault proxy', ...problem })) });
}

function answer(response: ServerResponse, { status, headers, body }: ProxiedAnswer): void {
  const { 'content-length': _, 'transfer-encoding': __, connection: ___, ...kept } = headers;
  // The checksum fits only the engine's own answer.
  delete kept['x-amz-crc32'];
  response.writeHead(status, { ...kept, 'content-length': body.length });
  response.end(body);
}
