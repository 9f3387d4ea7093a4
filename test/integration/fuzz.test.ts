import { once } from 'node:events';
import { request } from 'node:http';
import { type AttributeValue, ScanCommand } from '@aws-sdk/client-dynamodb';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { OperationName } from '../../contract/contract.ts';
import { type Route, routes } from '../../contract/routes.ts';
import { type LocalServer, startLocal } from '../../functions/local/server.ts';
import { startTestDynamodb, type TestDynamodb } from '../support/dynamodb.ts';
import { eventually } from '../support/eventually.ts';
import { type Drawn, describedBy, drawnRequests, type OpenApi, placeholder, queueNames } from '../support/hostile-requests.ts';
import { adminKey, httpCalls, loggedDefects } from '../support/local-queue.ts';
import { testSeed } from '../support/seed.ts';

const fuzzMs = 15_000;
const fuzzMsMax = 60_000;
const roundRuns = 50;
const essential: OperationName[] = ['publish', 'publishToTopic', 'receive', 'ack', 'release', 'extend'];
const answerMsMax = 10_000;
/** Operations that take two seconds by themselves. A few of each are enough for their answers. */
const slow: ReadonlySet<OperationName> = new Set(['purge', 'subscribe', 'unsubscribe', 'deleteTopic']);
const slowMax = 2;
const tables = ['dumbwaiter-messages', 'dumbwaiter-leases', 'dumbwaiter-queues'];

let dynamodb: TestDynamodb;
let server: LocalServer;
let document: OpenApi;
const { log, defects } = loggedDefects();
beforeAll(async () => {
  dynamodb = await startTestDynamodb();
  server = await startLocal({ data: { endpoint: dynamodb.endpoint }, log, adminKey });
  document = (await (await fetch(`${server.url}/v1/openapi.json`)).json()) as OpenApi;
  await createQueues();
});
afterAll(async () => {
  await server.close();
  await dynamodb.stop();
});

/** Queues and topics that exist keep their settings. */
async function createQueues(): Promise<void> {
  const http = httpCalls(server.url, adminKey);
  const [work, dead, more] = queueNames;
  const settings = { [work]: { deadLetter: { queue: dead, maxReceives: 1 } }, [dead]: {}, [more]: {} };
  for (const queue of [dead, work, more]) await http.send('PUT', `/v1/queues/${queue}`, { body: settings[queue] });
  for (const topic of queueNames) await http.send('PUT', `/v1/topics/${topic}`, { body: {} });
}

/** Every row of every table. */
async function dump(): Promise<string[]> {
  const rows: string[] = [];
  for (const table of tables) {
    let after: Record<string, AttributeValue> | undefined;
    do {
      const command = new ScanCommand({ TableName: table, ConsistentRead: true, ...(after ? { ExclusiveStartKey: after } : {}) });
      const { Items: items = [], LastEvaluatedKey } = await dynamodb.sdk.send(command);
      rows.push(...items.map((item) => `${table} ${JSON.stringify(sorted(item))}`));
      after = LastEvaluatedKey;
    } while (after);
  }
  return rows.sort();
}

/** The engine returns the attributes of a row in any order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.entries(value)
    .map(([name, one]) => [name, sorted(one)])
    .sort();
}

interface Answered {
  status: number;
  type: string;
  body: { results?: { ok: boolean }[]; code?: string; [name: string]: unknown };
}

/** The request as the wire carries it, with a path that no client normalizes. */
async function send({ method, path, headers, body }: Drawn): Promise<Answered> {
  const { hostname, port } = new URL(server.url);
  const outgoing = request({ hostname, port, method, path, headers, signal: AbortSignal.timeout(answerMsMax) });
  outgoing.end(body === undefined ? undefined : Buffer.from(body));
  const [response] = await once(outgoing, 'response');
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return { status: response.statusCode, type: response.headers['content-type'] ?? '', body: JSON.parse(text) };
}

/** The latest answers of the server, from which later requests take ids and receipts. */
const seen: Record<string, string[]> = { receipt: [], id: [], task: [], key: [] };
function remember(operation: OperationName, { body, status }: Answered): void {
  const note = (kind: keyof typeof seen, text: unknown) => {
    if (typeof text === 'string') seen[kind]!.unshift(text);
    seen[kind]!.splice(10);
  };
  if (operation === 'receive')
    for (const message of (body.messages ?? []) as { receipt: string; id: string }[]) note('receipt', message.receipt);
  if (operation === 'publish' || operation === 'publishToTopic')
    for (const result of (body.results ?? []) as { id?: string }[]) note('id', result.id);
  if (operation === 'redrive' && status === 202) note('task', body.id);
  if (operation === 'createKey') note('key', body.id);
}

/** Replaces placeholders, and changes values that make a call slow. */
function filled(drawn: Drawn): Drawn {
  const fill = (text: string) =>
    text.replace(placeholder, (_, kind: string, index: string) => seen[kind]![Number(index)] ?? `none-${index}`);
  let body = drawn.body === undefined ? undefined : fill(drawn.body);
  if (drawn.operation === 'receive') body = body?.replace(/"waitSeconds":(1?\d|20)(?=[,}])/, '"waitSeconds":1');
  if (drawn.operation === 'redrive') body = body?.replace(/"ratePerSecond":\d+(?=[,}])/, '"ratePerSecond":10000');
  return { ...drawn, path: fill(drawn.path), body };
}

const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv);
const validators = new Map<string, ValidateFunction>();

/** What is wrong with an answer according to the document. */
function faultOf(operation: OperationName, { status, type, body }: Answered): string {
  const { responses } = describedBy(document, operation);
  const documented = responses[String(status)];
  // An unknown path has no operation that documents it.
  const problem = Object.values(describedBy(document, 'health').responses).at(-1)!;
  const isNoPath = body.code === 'not_found' || body.code === 'method_not_allowed';
  const content = documented?.content ?? (isNoPath ? problem.content : undefined);
  if (!content) return `the status ${status} is not documented`;
  const media = content[type.split(';')[0]!];
  if (!media) return `the content-type ${type} is not documented for ${status}`;
  const text = JSON.stringify(media.schema);
  const validate = validators.get(text) ?? ajv.compile({ ...JSON.parse(text.replaceAll('"#/', '"document#/')) });
  validators.set(text, validate);
  return validate(body) ? '' : ajv.errorsText(validate.errors);
}

const isRefusal = ({ status, body }: Answered) => status >= 400 || (body.results?.every(({ ok }) => !ok) ?? false);

it('the API answers every request as its document says, in time and without a defect, and a refused request changes nothing', async () => {
  ajv.addSchema({ $id: 'document', components: document.components });
  const statuses = new Map<string, number>();
  let before = await dump();
  const slowCalls = new Map<OperationName, number>();
  const property = fc.asyncProperty(drawnRequests(document, adminKey), async (drawn) => {
    if ((slowCalls.get(drawn.operation) ?? 0) >= slowMax) return;
    const asked = filled(drawn);
    const answered = await send(asked);
    remember(asked.operation, answered);
    const count = `${asked.operation} ${answered.status}`;
    statuses.set(count, (statuses.get(count) ?? 0) + 1);
    const said = JSON.stringify({ asked, answered }).slice(0, 3_000);
    expect(answered.status, said).toBeLessThan(500);
    expect(faultOf(asked.operation, answered), said).toBe('');
    if (isRefusal(answered)) expect(await dump(), said).toEqual(before);
    else {
      if (slow.has(asked.operation)) slowCalls.set(asked.operation, (slowCalls.get(asked.operation) ?? 0) + 1);
      if (asked.operation === 'deleteQueue' || asked.operation === 'deleteTopic') await createQueues();
      if (asked.operation === 'redrive') await ended(asked.path, answered);
      if ((routes[asked.operation] as Route).method !== 'GET') before = await dump();
    }
  });
  const tried = (operation: OperationName) =>
    [2, 4].every((kind) => [...statuses.keys()].some((text) => text.startsWith(`${operation} ${kind}`)));
  const startedAt = performance.now();
  const seed = testSeed;
  for (let round = 0; ; round++) {
    const ms = performance.now() - startedAt;
    // Continues on a slow machine until each operation has succeeded once and was refused once.
    if (ms > fuzzMsMax || (ms > fuzzMs && essential.every(tried))) break;
    await fc.assert(property, { seed: seed + round, numRuns: roundRuns });
  }
  expect(defects).toEqual([]);
  expect(
    essential.filter((operation) => !tried(operation)),
    JSON.stringify([...statuses]),
  ).toEqual([]);
}, 120_000);

/** A redrive continues after its answer. */
async function ended(path: string, { body }: Answered): Promise<void> {
  const [, , , queue] = path.split('/');
  await eventually(async () => {
    const { body: task } = await send({
      operation: 'getRedrive',
      method: 'GET',
      path: `/v1/queues/${queue}/redrive/${body.id}`,
      headers: { authorization: `Bearer ${adminKey}` },
      body: undefined,
    });
    return task.state === 'running' ? undefined : true;
  });
}
