/** The tables of fields in docs/reference.md. They come from the OpenAPI document, which is made of the schemas that validate the calls. */

import type { OperationName } from '../../contract/contract.ts';
import { routes } from '../../contract/routes.ts';
import { openApiDocument } from '../../functions/openapi/document.ts';

interface Schema {
  $ref?: string;
  type?: string;
  format?: string;
  contentEncoding?: string;
  description?: string;
  enum?: readonly string[];
  anyOf?: readonly Schema[];
  items?: Schema;
  properties?: { [name: string]: Schema };
  propertyNames?: Schema;
  additionalProperties?: Schema | boolean;
  required?: readonly string[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  maxProperties?: number;
}

interface Operation {
  parameters: readonly { name: string; in: string; required: boolean; description: string; schema: Schema }[];
  requestBody?: { content: { 'application/json': { schema: Schema } } };
}

interface Field {
  name: string;
  place: string;
  required: boolean;
  schema: Schema;
  description: string;
}

const { paths, components } = openApiDocument('https://queue.example.com') as unknown as {
  paths: { [path: string]: { [method: string]: Operation } };
  components: { schemas: { [name: string]: Schema } };
};

export function table(names: readonly string[], rows: readonly (readonly string[])[]): string {
  return [names, names.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

export function settingsTable(): string {
  const rows = fieldsOf(components.schemas.CreateQueueInput!, '').map((field) => {
    const { said, initial } = split(field.description);
    return [`\`${field.name}\``, typeOf(field.schema), limitsOf(field.schema), field.required ? 'required' : initial, said];
  });
  return table(['setting', 'type or values', 'limits', 'default', 'meaning'], rows);
}

/** A section for each operation. The settings of a queue have a table of their own. */
export function inputTables(): string {
  return (Object.keys(routes) as OperationName[]).map((name) => `### \`${name}\`\n\n${inputTable(name)}`).join('\n\n');
}

function inputTable(name: OperationName): string {
  const { method, path } = routes[name];
  const { parameters, requestBody } = paths[path]![method.toLowerCase()]!;
  const body = requestBody?.content['application/json'].schema;
  const takesSettings = name === 'createQueue' || name === 'updateQueue';
  const fields = [
    ...parameters.map(({ in: place, ...parameter }) => ({ ...parameter, place })),
    ...(body === undefined || takesSettings ? [] : fieldsOf(body, '')),
  ];
  const rows = fields.map(({ name, place, required, schema, description }) => {
    const { said, initial } = split(description);
    const value = [typeOf(schema), limitsOf(schema)].filter(Boolean).join(', ');
    return [`\`${name}\``, place, required ? 'yes' : 'no', value, initial, said];
  });
  return [
    `\`${method} ${path}\``,
    rows.length === 0 ? 'No input.' : table(['field', 'in', 'required', 'type and limits', 'default', 'meaning'], rows),
    ...(takesSettings ? [`The body has [settings of a queue](#settings-of-a-queue). ${leftOut[name]}`] : []),
  ].join('\n\n');
}

const leftOut = {
  createQueue: 'A setting that is left out has its default.',
  updateQueue: 'A setting that is left out keeps its value.',
};

/** The fields of an object and of the objects in it, as `deadLetter.maxReceives` and `messages[].body`. */
function fieldsOf(schema: Schema, prefix: string): Field[] {
  const { properties = {}, required = [] } = resolved(schema);
  return Object.entries(properties).flatMap(([key, property]) => {
    const name = `${prefix}${key}`;
    const { description = '' } = property;
    const field = { name, place: 'body', required: required.includes(key), schema: property, description };
    const value = withoutNull(property);
    const inner = value.items === undefined ? fieldsOf(value, `${name}.`) : fieldsOf(value.items, `${name}[].`);
    return [field, ...inner];
  });
}

function resolved(schema: Schema): Schema {
  return schema.$ref === undefined ? schema : components.schemas[schema.$ref.split('/').at(-1)!]!;
}

/** The one schema beside `null`, or else the schema itself. */
function withoutNull(schema: Schema): Schema {
  const others = schema.anyOf?.filter(({ type }) => type !== 'null') ?? [];
  return resolved(others.length === 1 ? others[0]! : schema);
}

/** The document states defaults at the end of a description. */
function split(description: string): { said: string; initial: string } {
  const [said = '', initial = ''] = description.split(/ ?Default:? (?=.)/);
  return { said: said.replaceAll('|', '\\|'), initial: initial.replace(/\.$/, '') };
}

function typeOf(of: Schema): string {
  const schema = resolved(of);
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if (schema.type === 'array') return `list of ${typeOf(schema.items!)}`;
  if (schema.type === 'object' && typeof schema.additionalProperties === 'object')
    return `map (${typeOf(schema.additionalProperties)})`;
  if (schema.format === 'date-time') return 'RFC 3339 instant';
  if (schema.contentEncoding === 'base64') return 'base64 text';
  return schema.type === undefined ? 'any JSON value' : (typeNames[schema.type] ?? schema.type);
}

const typeNames: { [type: string]: string } = {
  integer: 'whole number',
  string: 'text',
  boolean: '`true` or `false`',
  null: '`null`',
};

function limitsOf(of: Schema): string {
  const schema = resolved(of);
  if (schema.anyOf !== undefined) return schema.anyOf.map(limitsOf).filter(Boolean).join('; ');
  const names = schema.propertyNames === undefined ? '' : `names of ${limitsOf(schema.propertyNames)}`;
  const values = schema.items ?? schema.additionalProperties;
  const inner = typeof values === 'object' ? limitsOf(values) : '';
  return [
    range(schema.minimum, schema.maximum, ''),
    range(schema.minLength, schema.maxLength, ' characters'),
    range(schema.minItems, schema.maxItems, ' entries'),
    range(undefined, schema.maxProperties, ' entries'),
    names,
    inner === '' ? '' : `each ${inner}`,
    schema.pattern === undefined ? '' : characters(schema.pattern),
  ]
    .filter(Boolean)
    .join(', ');
}

function range(min: number | undefined, max: number | undefined, unit: string): string {
  if (max === undefined) return min === undefined ? '' : `at least ${min.toLocaleString('en')}${unit}`;
  const most = `${max.toLocaleString('en')}${unit}`;
  return min === undefined ? `at most ${most}` : `${min.toLocaleString('en')} to ${most}`;
}

/** Most patterns are a set of characters and a length: `^[a-z0-9_]{1,80}$`. */
function characters(pattern: string): string {
  const [, set, min, max] = /^\^\[([^\]]+)\]\{(\d+),(\d+)\}\$$/.exec(pattern) ?? [];
  if (set === undefined) return `matches \`${pattern.replaceAll('|', '\\|')}\``;
  return `${min} to ${max} characters of \`${set.match(/\w-\w|./g)!.join(' ')}\``;
}
