/** Random requests to the HTTP API: drawn from its OpenAPI document, and others outside it. */
import fc from 'fast-check';
import type { OperationName } from '../../contract/contract.ts';
import { type Route, routes } from '../../contract/routes.ts';
import { hostile, type Schema, valuesOf } from './schema-values.ts';

export interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

interface Operation {
  parameters: { name: string; in: 'path' | 'query'; required: boolean; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { content: Record<string, { schema: Schema }> }>;
}

export interface Drawn {
  operation: OperationName;
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
}

/** Names of queues, and also of topics, subscriptions, targets and schedules. */
export const queueNames = ['fuzz-work', 'fuzz-dead', 'fuzz-more'] as const;
/** Queues of subscriptions that may exist. */
const ownedQueues = queueNames.map((subscription) => `${queueNames[0]}~${subscription}`);
export const ownIds = ['own-1', 'own-2', 'own-3'] as const;
/** A placeholder for one of the latest receipts, ids, tasks or keys. */
export const placeholder = /KNOWN\.(receipt|id|task|key)\.(\d)/g;
const kindsKnown = 10;
const placeholders = (kind: string) => Array.from({ length: kindsKnown }, (_, index) => `KNOWN.${kind}.${index}`);

const receiptCharsMax = 512;

function known({ pattern, maxLength }: Schema): readonly string[] {
  if (pattern?.includes('~[')) return [...queueNames, ...queueNames, ...ownedQueues];
  if (pattern?.includes('{1,80}')) return queueNames;
  if (pattern?.includes(':')) return [...ownIds, ...placeholders('id'), ...placeholders('task'), ...placeholders('key')];
  return maxLength === receiptCharsMax ? placeholders('receipt') : [];
}

export const describedBy = (document: OpenApi, operation: OperationName): Operation => {
  const { method, path }: Route = routes[operation];
  return document.paths[path]![method.toLowerCase()]!;
};

/** How far a request is from a valid one. */
type Manner = 'allowed' | 'nearly' | 'hostile';

export function drawnRequests(document: OpenApi, adminKey: string): fc.Arbitrary<Drawn> {
  const values = valuesOf(document.components.schemas, known);
  const pathText = (schema: Schema, manner: Manner) =>
    manner === 'hostile'
      ? fc.oneof(
          fc.string({ unit: 'binary' }).map((text) => encodeURIComponent(text.toWellFormed())),
          rawPath,
        )
      : values.allowed(schema).map((text) => encodeURIComponent(String(text)));
  const valueBy = (schema: Schema, manner: Manner) =>
    manner === 'allowed' ? values.allowed(schema) : manner === 'nearly' ? values.nearly(schema) : hostile;

  function requestsOf(operation: OperationName): fc.Arbitrary<Drawn> {
    const { method, path }: Route = routes[operation];
    const { parameters, requestBody } = describedBy(document, operation);
    const schema = requestBody?.content['application/json']?.schema;
    const manner = fc.constantFrom<Manner>('allowed', 'allowed', 'nearly', 'nearly', 'hostile');
    return fc.tuple(manner, fc.nat(9)).chain(([manner, where]) => {
      // Mostly one part is bad at a time, because the part that is checked first hides the others.
      const inPath = where === 0 ? manner : 'allowed';
      const inQuery = where <= 4 ? manner : 'allowed';
      const paths = parameters
        .filter((parameter) => parameter.in === 'path')
        .map(({ name, schema }) => pathText(schema, inPath).map((text) => [name, text] as const));
      const queries = parameters
        .filter((parameter) => parameter.in === 'query')
        .map(({ name, schema }) => fc.option(valueBy(schema, inQuery).map((value) => [name, textOf(value)] as const)));
      const bodies = schema === undefined ? fc.constant(undefined) : bodyText(schema, manner);
      return fc
        .tuple(fc.tuple(...paths), fc.tuple(...queries), bodies, headersOf(where, schema !== undefined))
        .map(([filled, query, body, headers]): Drawn => {
          const names = new Map(filled);
          const search = new URLSearchParams(
            query.filter((one) => one !== null).map(([name, text]) => [name, text.toWellFormed()]),
          );
          const place = path.replace(/\{(\w+)\}/g, (_, name: string) => names.get(name)!);
          return { operation, method, path: search.size > 0 ? `${place}?${search}` : place, headers, body };
        });
    });
  }

  function bodyText(schema: Schema, manner: Manner): fc.Arbitrary<string | undefined> {
    const json = valueBy(schema, manner).map((value) => JSON.stringify(value));
    if (manner !== 'hostile') return json;
    const cut = fc.tuple(values.allowed(schema), fc.nat(30)).map(([value, chars]) => JSON.stringify(value).slice(0, chars));
    return fc.oneof(
      json,
      cut,
      fc.string({ unit: 'binary' }),
      fc.constantFrom('['.repeat(50_000), '{"a":'.repeat(5_000), '"\\ud800"', 'NaN'),
    );
  }

  function headersOf(where: number, withBody: boolean): fc.Arbitrary<Record<string, string>> {
    const usual = { authorization: `Bearer ${adminKey}`, ...(withBody ? { 'content-type': 'application/json' } : {}) };
    if (where !== 9) return fc.constant(usual);
    return fc.constantFrom<Record<string, string>>(
      { ...usual, 'content-type': 'text/plain' },
      { ...usual, 'content-type': 'application/json; charset=utf-16' },
      { ...usual, 'content-encoding': 'gzip' },
      { ...usual, authorization: 'Bearer nobody' },
      { ...usual, authorization: 'Basic YTpi' },
      { 'content-type': 'application/json' },
    );
  }

  // Operations that fill and empty queues are more frequent, because the others need messages.
  const often: OperationName[] = ['publish', 'publish', 'publishToTopic', 'receive', 'receive', 'ack', 'release', 'extend'];
  return fc.constantFrom(...(Object.keys(routes) as OperationName[]), ...often).chain(requestsOf);
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

const rawPath = fc.constantFrom(
  '',
  '.',
  '..',
  '%2e%2e',
  '%',
  '%zz',
  '%00',
  '%ff',
  'a/b',
  'a%2fb',
  '//',
  ';',
  '*',
  'a?b=c',
  '{queue}',
  'a'.repeat(3_000),
);
