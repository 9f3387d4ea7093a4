/**
 * Generates the OpenAPI 3.1 document from the contract's routes and from the schemas that validate calls.
 * This folder only describes the API: texts are in `operations.ts`, outputs in `outputs.ts`, and schema conversion in `schemas.ts`.
 */
import type * as z from 'zod';
import type { OperationName } from '../../contract/contract.ts';
import { meanings } from '../../contract/error-meanings.ts';
import { type ErrorCode, errors } from '../../contract/errors.ts';
import { type Route, routes } from '../../contract/routes.ts';
import { documentedInputs, params } from '../../contract/schemas/parse.ts';
import { problemMediaType } from '../errors/refusal.ts';
import { operationTexts } from './operations.ts';
import * as answers from './outputs.ts';
import { componentSchemas, inlineSchema, inputName, outputName, takesBody } from './schemas.ts';

type JsonObject = { [name: string]: unknown };

const everywhere: ErrorCode[] = ['invalid_input', 'throttled', 'internal', 'unavailable'];
const withKey: ErrorCode[] = ['unauthorized', 'forbidden'];
const withBody: ErrorCode[] = ['request_timeout', 'payload_too_large', 'unsupported_media_type'];

/** `origin`: the base URL of the server, such as `https://queue.example.com`. */
export function openApiDocument(origin: string): JsonObject {
  const paths: { [path: string]: JsonObject } = {};
  for (const operation of answers.operationNames) {
    const { method, path } = routes[operation];
    paths[path] = { ...paths[path], [method.toLowerCase()]: operationObject(operation, routes[operation]) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Dumbwaiter',
      version: '1',
      description:
        'A message queue in your own AWS account. Instants are RFC 3339; durations are whole seconds. A null field counts as absent, unless its description says what null means.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: origin }],
    security: [{ apiKey: [] }],
    tags: [...new Set(Object.values(operationTexts).map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: componentSchemas(),
      securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'An API key: `Authorization: Bearer <key>`.' } },
    },
  };
}

function operationObject(operation: OperationName, route: Route): JsonObject {
  const { tag, summary, description, input, output, refusals } = operationTexts[operation];
  const codes = [
    ...everywhere,
    ...(route.scope === 'none' ? [] : withKey),
    ...(route.method === 'GET' ? [] : withBody),
    ...refusals,
  ] satisfies ErrorCode[];
  const needs = route.scope === 'any' ? 'any scope' : `the scope \`${route.scope}\``;
  return {
    operationId: operation,
    tags: [tag],
    summary,
    description: [description, route.scope === 'none' ? 'Needs no key.' : `Needs ${needs}.`].filter(Boolean).join(' '),
    ...(route.scope === 'none' ? { security: [] } : {}),
    parameters: [
      ...parametersIn('path', params[operation]),
      ...(takesBody(operation) ? [] : parametersIn('query', documentedInputs[operation])),
    ],
    ...(takesBody(operation) ? { requestBody: requestBody(operation, input) } : {}),
    responses: {
      [route.status]: {
        description: 'Done.',
        headers: { 'x-request-id': requestIdHeader },
        content: { 'application/json': { schema: reference(outputName(operation)), example: output } },
      },
      ...problemResponses(codes),
    },
  };
}

const requestIdHeader = { description: "Identifies the call in the server's logs.", schema: { type: 'string' } };

function requestBody(operation: OperationName, example: object | undefined): JsonObject {
  const required = !documentedInputs[operation].safeParse({}).success;
  const content = { schema: reference(inputName(operation)), ...(example === undefined ? {} : { example }) };
  return { required, content: { 'application/json': content } };
}

function problemResponses(codes: ErrorCode[]): JsonObject {
  const byStatus = Map.groupBy(codes, (code) => errors[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, ofStatus]) => [
      String(status),
      {
        description: ofStatus.map((code) => `\`${code}\`: ${meanings[code]}`).join('\n\n'),
        headers: {
          'x-request-id': requestIdHeader,
          ...(status === 429 || status === 503
            ? { 'retry-after': { description: 'Seconds to wait.', schema: { type: 'integer', minimum: 1 } } }
            : {}),
        },
        content: { [problemMediaType]: { schema: reference('Problem'), examples: problemExamples(ofStatus) } },
      },
    ]),
  );
}

function problemExamples(codes: ErrorCode[]): JsonObject {
  return Object.fromEntries(
    codes.map((code) => {
      const { status } = errors[code];
      const meaning = meanings[code];
      const requestId = '2f1c3f0e-8a55-4c1b-9a3f-6f3c0f0d9b51';
      return [code, { value: { type: `urn:dumbwaiter:${code}`, title: meaning, status, detail: meaning, code, requestId } }];
    }),
  );
}

function parametersIn(place: 'path' | 'query', { shape }: { shape: z.core.$ZodShape }): JsonObject[] {
  return Object.entries(shape).map(([name, schema]) => ({
    name,
    in: place,
    required: place === 'path',
    ...inlineSchema(schema),
  }));
}

function reference(name: string): JsonObject {
  return { $ref: `#/components/schemas/${name}` };
}
