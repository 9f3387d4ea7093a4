import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OperationName, type Route, routes } from '../../sdk/contract.ts';
import { errors } from '../../sdk/errors.ts';
import { type LocalQueue, startLocalQueue } from './local-queue.ts';

interface MediaType {
  schema: object;
  example?: unknown;
  examples?: Record<string, { value: unknown }>;
}
interface Operation {
  operationId: string;
  description: string;
  security?: object[];
  parameters: { name: string; in: string; schema: object }[];
  requestBody?: { required: boolean; content: Record<string, MediaType> };
  responses: Record<string, { headers: object; content: Record<string, MediaType> }>;
}
interface Document {
  openapi: string;
  servers: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
}

let queue: LocalQueue;
let document: Document;
beforeAll(async () => {
  queue = await startLocalQueue();
  document = (await (await queue.http.as(undefined).send('GET', '/v1/openapi.json')).json()) as Document;
});
afterAll(() => queue.server.close());

const operations = Object.keys(routes) as OperationName[];
const described = (name: OperationName): Operation => {
  const { method, path }: Route = routes[name];
  return document.paths[path]?.[method.toLowerCase()] as Operation;
};

/** Judges a value by a schema of the document. */
function validator(): (schema: object, value: unknown) => string {
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  ajv.addSchema({ $id: 'document', components: document.components });
  return (schema, value) => {
    const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/'));
    return ajv.validate(absolute, value) ? '' : ajv.errorsText();
  };
}

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1, and says where the server is', async () => {
    const result = await new Validator().validate(JSON.parse(JSON.stringify(document)));
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
    expect(document.openapi).toBe('3.1.0');
    expect(document.servers).toEqual([{ url: queue.server.url }]);
  });

  it('has every route of the contract, and no other', () => {
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => `${method.toUpperCase()} ${path} ${operationId}`),
    );
    expect(documented.sort()).toEqual(operations.map((name) => `${routes[name].method} ${routes[name].path} ${name}`).sort());
  });

  it.each(operations)('describes %s with all its parameters, its statuses, and what it needs of a key', (name) => {
    const { method, path, status, scope }: Route = routes[name];
    const operation = described(name);
    const inPath = operation.parameters.filter((parameter) => parameter.in === 'path').map((parameter) => parameter.name);
    expect(inPath).toEqual([...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]));
    expect(operation.requestBody === undefined).toBe(method === 'GET' || method === 'DELETE');
    const statuses = Object.keys(operation.responses).map(Number);
    expect(statuses).toEqual(expect.arrayContaining([status, 400, 429, 500, 503]));
    if (scope === 'none') expect(operation.security).toEqual([]);
    else {
      expect(operation.security).toBeUndefined();
      expect(statuses).toEqual(expect.arrayContaining([401, 403]));
      expect(operation.description).toContain(scope);
    }
    if (operation.requestBody) expect(statuses).toEqual(expect.arrayContaining([408, 413, 415]));
  });

  it('shows examples that its schemas allow', () => {
    const judge = validator();
    let judged = 0;
    for (const name of operations) {
      const { requestBody, responses } = described(name);
      for (const content of [requestBody?.content, ...Object.values(responses).map((response) => response.content)]) {
        for (const { schema, example, examples } of Object.values(content ?? {})) {
          for (const value of [example, ...Object.values(examples ?? {}).map((one) => one.value)]) {
            if (value === undefined) continue;
            judged += 1;
            expect({ name, value, fault: judge(schema, value) }).toMatchObject({ fault: '' });
          }
        }
      }
    }
    expect(judged).toBeGreaterThan(operations.length * 5);
  });

  it('has schemas that refuse what the server refuses', () => {
    const judge = validator();
    const schema = described('publish').requestBody!.content['application/json']!.schema;
    expect(judge(schema, { messages: [{ body: null, attributes: { a: 1 } }] })).toBe('');
    for (const refused of [
      {},
      { messages: [] },
      { messages: [{ body: 1, more: 1 }] },
      { messages: [{ body: 1, delaySeconds: -1 }] },
    ]) {
      expect(judge(schema, refused)).not.toBe('');
    }
  });

  it('tells every error as problem+json, by the codes of the table', () => {
    const told = new Set<string>();
    for (const name of operations) {
      for (const [status, { content }] of Object.entries(described(name).responses)) {
        if (Number(status) < 400) continue;
        expect(Object.keys(content)).toEqual(['application/problem+json']);
        for (const code of Object.keys(content['application/problem+json']!.examples!)) {
          told.add(code);
          expect(String(errors[code as keyof typeof errors].status)).toBe(status);
        }
      }
    }
    // Those of one entry of a batch, of a transaction, of the SDK, and of paths that are none, come with no operation.
    const elsewhere = ['cancelled', 'call_timeout', 'message_dead', 'message_exists', 'not_found', 'method_not_allowed'];
    expect([...told, ...elsewhere].sort()).toEqual(Object.keys(errors).sort());
  });
});
