/**
 * Stands between the AWS client and a DynamoDB engine, and does to requests what networks and DynamoDB do to them, drawn by chance:
 * refusals for load, failures, connections that end before or after the request was done, answers that come too late, requests
 * that arrive late or twice, batches that are done in half.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../engine/port/port.ts';

export type ProxyFault =
  /** Refused for load, before it was done. */
  | 'ThrottlingException'
  | 'ProvisionedThroughputExceededException'
  /** Refused for another transaction on the same row. */
  | 'TransactionConflict'
  /** DynamoDB failed; done or not. */
  | 'InternalServerError before'
  | 'InternalServerError after'
  /** The connection ended without an answer; done or not. */
  | 'reset before'
  | 'reset after'
  /** The connection ended, and the request arrives afterwards. */
  | 'late'
  /** Done, answered, and done once more afterwards. */
  | 'twice'
  /** Done, and answered after the client has given up. */
  | 'too slow'
  /** Of a batch a part is done. */
  | 'half';

export interface FaultProxy {
  endpoint: string;
  /** How often each struck. */
  counts: Record<ProxyFault, number>;
  /** From now on no fault strikes; resolves when what was late has arrived. */
  calm(): Promise<void>;
  stop(): Promise<void>;
}

export interface FaultProxyOptions {
  /** Of the DynamoDB engine. */
  target: string;
  random: Random;
  /** The chance of each, by request; one that can not strike a request leaves it alone. */
  rates: Record<ProxyFault, number>;
  /** How long what is late takes to arrive at most, ms. */
  lateMsMax: number;
  /** How much longer than the client waits an answer that is too slow takes, ms. */
  slowMs: number;
}

interface Asked {
  operation: string;
  method: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

interface Answered {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

export async function startFaultProxy({ target, random, rates, lateMsMax, slowMs }: FaultProxyOptions): Promise<FaultProxy> {
  const names = Object.keys(rates) as ProxyFault[];
  const counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<ProxyFault, number>;
  const aside = new Set<Promise<unknown>>();
  let calm = false;

  const later = (run: () => Promise<unknown>) => {
    const running: Promise<unknown> = delay(random.number() * lateMsMax)
      .then(run)
      // Nobody waits for its answer.
      .catch(() => undefined)
      .finally(() => aside.delete(running));
    aside.add(running);
  };

  function draw(asked: Asked): ProxyFault | undefined {
    if (calm) return undefined;
    let at = random.number();
    const fault = names.find((name) => {
      at -= rates[name];
      return at < 0;
    });
    return fault !== undefined && canStrike(fault, asked) ? fault : undefined;
  }

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = await read(incoming);
    const fault = draw(asked);
    if (fault) counts[fault]++;
    const reset = () => void incoming.socket.destroy();
    switch (fault) {
      case 'ThrottlingException':
      case 'ProvisionedThroughputExceededException':
        return refuse(response, 400, { __type: `com.amazonaws.dynamodb.v20120810#${fault}` });
      case 'TransactionConflict':
        return refuse(response, 400, conflict(asked));
      case 'InternalServerError after':
        await forward(target, asked);
        return refuse(response, 500, { __type: 'com.amazonaws.dynamodb.v20120810#InternalServerError' });
      case 'InternalServerError before':
        return refuse(response, 500, { __type: 'com.amazonaws.dynamodb.v20120810#InternalServerError' });
      case 'late':
        later(() => forward(target, asked));
        return reset();
      case 'reset before':
        return reset();
      case 'reset after':
        await forward(target, asked);
        return reset();
      case 'twice':
        later(() => forward(target, asked));
        return answer(response, await forward(target, asked));
      case 'too slow': {
        const answered = await forward(target, asked);
        await delay(slowMs);
        return answer(response, answered);
      }
      case 'half':
        return answer(response, await forwardHalf(target, asked));
      case undefined:
        return answer(response, await forward(target, asked));
    }
  }

  // A client that went away, or an engine that did: nobody is there to be told.
  const server = createServer((incoming, response) => void handle(incoming, response).catch(() => incoming.socket.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    async calm() {
      calm = true;
      await Promise.all(aside);
    },
    async stop() {
      calm = true;
      await Promise.all(aside);
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function read(incoming: IncomingMessage): Promise<Asked> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const operation = String(incoming.headers['x-amz-target']).split('.')[1] ?? '';
  return { operation, method: incoming.method ?? 'POST', headers: incoming.headers, body: Buffer.concat(chunks) };
}

/** DynamoDB knows a transaction that comes twice by its token; this engine is not asked to. */
const transactions = new Set(['TransactWriteItems']);
const writesOfOne = new Set(['PutItem', 'UpdateItem', 'DeleteItem']);
const batches = new Set(['BatchWriteItem', 'BatchGetItem']);

function canStrike(fault: ProxyFault, { operation, body }: Asked): boolean {
  if (fault === 'half') return batches.has(operation) && entriesOf(JSON.parse(body.toString())).length > 1;
  if (fault === 'TransactionConflict') return writesOfOne.has(operation) || transactions.has(operation);
  return true;
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html */
function conflict({ operation, body }: Asked): object {
  const prefix = 'com.amazonaws.dynamodb.v20120810#';
  if (!transactions.has(operation)) return { __type: `${prefix}TransactionConflictException` };
  const { TransactItems: items } = JSON.parse(body.toString()) as { TransactItems: unknown[] };
  const reasons = items.map((_, index) => ({ Code: index === 0 ? 'TransactionConflict' : 'None' }));
  return { __type: `${prefix}TransactionCanceledException`, CancellationReasons: reasons };
}

function forward(target: string, { method, headers, body }: Asked): Promise<Answered> {
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

/** The entries at even places are done; the others are answered as not processed. */
async function forwardHalf(target: string, asked: Asked): Promise<Answered> {
  const batch = JSON.parse(asked.body.toString()) as Batch;
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
    ...asked,
    headers: { ...asked.headers, 'content-length': String(body.length) },
    body,
  });
  const left = asked.operation === 'BatchGetItem' ? 'UnprocessedKeys' : 'UnprocessedItems';
  return { ...answered, body: Buffer.from(JSON.stringify({ ...JSON.parse(answered.body.toString()), [left]: of(1) })) };
}

function refuse(response: ServerResponse, status: number, problem: object): void {
  const headers = { 'content-type': 'application/x-amz-json-1.0', date: new Date().toUTCString() };
  answer(response, { status, headers, body: Buffer.from(JSON.stringify({ message: 'by the fault proxy', ...problem })) });
}

function answer(response: ServerResponse, { status, headers, body }: Answered): void {
  const { 'content-length': _, 'transfer-encoding': __, connection: ___, ...kept } = headers;
  // The checksum is of the engine's own text.
  delete kept['x-amz-crc32'];
  response.writeHead(status, { ...kept, 'content-length': body.length });
  response.end(body);
}
