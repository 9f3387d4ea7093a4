import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OperationName } from '../../contract/contract.ts';
import { errors } from '../../contract/errors.ts';
import { type Route, routes } from '../../contract/routes.ts';
import { cases } from '../support/cases.ts';
import { type LocalQueue, startLocalQueue } from '../support/local-queue.ts';

interface MediaType {
  schema: object;
  example?: unknown;
  examples?: Record<string, { value: unknown }>;
}
interface Operation {
  operationId: string;
  description: string;
  security?: object[];
  parameters: { name: string; in: string; required: boolean; description?: string; schema: Schema }[];
  requestBody?: { required: boolean; content: Record<string, MediaType> };
  responses: Record<string, { headers: object; content: Record<string, MediaType> }>;
}
interface Document {
  openapi: string;
  servers: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}
interface Schema {
  type?: string;
  $ref?: string;
  description?: string;
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  [keyword: string]: unknown;
}

/** The fields of requests, not those that occur only in answers. */
const isOfInput = (schema: string) =>
  /Input$|^(PublishEntry|NewContent|ScheduleMessage|DeadLetter|Backoff|Priority|GroupSettings|QueueLimits|Deduplication|PreparedSettings|CheckBack|Keep)$/.test(
    schema,
  );

/** The bound that a schema lacks, or an empty text. */
function limitLacking({ type, description = '', ...schema }: Schema): string {
  const has = (...keywords: string[]) => keywords.every((keyword) => schema[keyword] !== undefined);
  switch (type) {
    case 'string':
      return has('pattern') || has('maxLength') || has('enum') || has('format') || /at most|longer than/.test(description)
        ? ''
        : 'maxLength';
    case 'integer':
    case 'number':
      return has('minimum', 'maximum') ? '' : 'minimum and maximum';
    case 'array':
      return has('minItems', 'maxItems') ? '' : 'minItems and maxItems';
    case 'object':
      return has('maxProperties') ? '' : 'maxProperties';
    default:
      return '';
  }
}

let queue: LocalQueue;
let document: Document;
beforeAll(async () => {
  queue = await startLocalQueue();
  document = (await (await queue.http.as(undefined).send('GET', '/v1/openapi.json')).json()) as Document;
});
afterAll(() => queue.server.close());

const operations = cases(Object.keys(routes) as OperationName[]);
const described = (name: OperationName): Operation => {
  const { method, path }: Route = routes[name];
  return document.paths[path]?.[method.toLowerCase()] as Operation;
};

/** Validates a value against a schema of the document. */
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
  it('the OpenAPI document is valid OpenAPI 3.1 and says where the server is', async () => {
    const result = await new Validator().validate(JSON.parse(JSON.stringify(document)));
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
    expect(document.openapi).toBe('3.1.0');
    expect(document.servers).toEqual([{ url: queue.server.url }]);
  });

  it('the OpenAPI document has every route of the contract and no other', () => {
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => `${method.toUpperCase()} ${path} ${operationId}`),
    );
    expect(documented.sort()).toEqual(operations.map((name) => `${routes[name].method} ${routes[name].path} ${name}`).sort());
  });

  it.each(
    operations,
  )('the OpenAPI document describes %s with its parameters, its statuses and the scope that it needs', (name) => {
    const { method, path, status, scope }: Route = routes[name];
    const operation = described(name);
    const inPath = operation.parameters.filter((parameter) => parameter.in === 'path').map((parameter) => parameter.name);
    expect(inPath).toEqual([...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]));
    const takesNothing = [
      ...['purge', 'commitMessage', 'rollbackMessage', 'rotateSigningSecret'],
      ...['commitPublication', 'rollbackPublication'],
    ].includes(name);
    expect(operation.requestBody === undefined).toBe(method === 'GET' || method === 'DELETE' || takesNothing);
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

  it('the OpenAPI document shows examples that its schemas accept', () => {
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

  it('the OpenAPI document has schemas that refuse what the server refuses', () => {
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

  it('the OpenAPI document gives meaning, default and limits of every field', () => {
    let fields = 0;
    const judged = (place: string, field: Schema, isInput: boolean, isRequired: boolean) => {
      fields += 1;
      const named = document.components.schemas[field.$ref?.split('/').at(-1) ?? ''];
      const description = field.description ?? named?.description ?? '';
      expect(description, `${place} has no description`).not.toBe('');
      if (!isInput) return;
      if (!isRequired) expect(description, place).toMatch(/Default|[Ee]ither this or|In place of|in place of/);
      for (const schema of [field, ...(field.anyOf ?? [])])
        expect({ place, lacks: limitLacking(schema) }).toEqual({ place, lacks: '' });
    };
    for (const [name, { properties = {}, required = [] }] of Object.entries(document.components.schemas)) {
      for (const [field, schema] of Object.entries(properties))
        judged(`${name}.${field}`, schema, isOfInput(name), required.includes(field));
    }
    for (const name of operations) {
      for (const { name: field, description, required, schema } of described(name).parameters)
        judged(`${name} ${field}`, { ...schema, description: description ?? '' }, true, required);
    }
    expect(fields).toBeGreaterThan(150);
  });

  it('the OpenAPI document avoids what common generators mishandle: constants, choices between objects, defaults that would be sent', () => {
    const found: string[] = [];
    const look = (place: string, schema: unknown): void => {
      if (typeof schema !== 'object' || schema === null) return;
      const { anyOf = [], oneOf } = schema as Schema & { oneOf?: Schema[] };
      if ('const' in schema || 'default' in schema || oneOf !== undefined) found.push(place);
      if (anyOf.filter(({ type }) => type !== 'null').length > 1 && anyOf.some(({ type, $ref }) => type === 'object' || $ref))
        found.push(place);
      for (const [name, inner] of Object.entries(schema)) look(`${place}.${name}`, inner);
    };
    look('schemas', document.components.schemas);
    for (const name of operations) look(name, described(name).parameters);
    expect(found).toEqual([]);
  });

  it('the OpenAPI document lists every error as problem+json with the codes of the table', () => {
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
    // Codes of entries of a batch, of transactions, of the SDK, of unknown paths and of incomplete requests belong to no operation.
    const elsewhere = [
      'cancelled',
      'call_timeout',
      'message_dead',
      'message_exists',
      'not_found',
      'method_not_allowed',
      'headers_too_large',
    ];
    expect([...told, ...elsewhere].sort()).toEqual(Object.keys(errors).sort());
  });
});
