/** Random values for JSON schemas: valid, nearly valid and hostile ones. */
import fc from 'fast-check';

export interface Schema {
  $ref?: string;
  type?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  propertyNames?: Schema;
  maxProperties?: number;
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  pattern?: string;
  format?: string;
  contentEncoding?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
}

/** Lists are short, because an entry of a long list behaves as one of a short list. */
const itemsMost = 4;
const charsMost = 40;

export interface Values {
  /** Values that the schema allows. */
  allowed(schema: Schema): fc.Arbitrary<unknown>;
  /** Allowed values in which one part is changed, left out or added. */
  nearly(schema: Schema): fc.Arbitrary<unknown>;
}

/** `known` returns strings that exist on the server, such as queue names, for a schema that asks for one. */
export function valuesOf(schemas: Record<string, Schema>, known: (schema: Schema) => readonly string[]): Values {
  function allowed(schema: Schema): fc.Arbitrary<unknown> {
    if (schema.$ref !== undefined) return allowed(schemas[schema.$ref.split('/').at(-1)!]!);
    if ('const' in schema) return fc.constant(schema.const);
    if (schema.enum) return fc.constantFrom(...schema.enum);
    if (schema.anyOf) return fc.oneof(...schema.anyOf.map(allowed));
    switch (schema.type) {
      case 'string':
        return text(schema);
      case 'integer':
        return fc.integer({ min: schema.minimum ?? -1e9, max: schema.maximum ?? 1e9 });
      case 'number':
        return fc.double({ min: schema.minimum ?? -1e9, max: schema.maximum ?? 1e9, noNaN: true });
      case 'boolean':
        return fc.boolean();
      case 'null':
        return fc.constant(null);
      case 'array': {
        const { items = {}, minItems = 0, maxItems = itemsMost } = schema;
        return fc.array(allowed(items), { minLength: minItems, maxLength: Math.max(minItems, Math.min(maxItems, itemsMost)) });
      }
      case 'object':
        return object(schema);
      default:
        return fc.jsonValue();
    }
  }

  function text(schema: Schema): fc.Arbitrary<string> {
    const { pattern, format, contentEncoding, minLength = 0, maxLength = charsMost } = schema;
    const meant = known(schema);
    const any =
      pattern !== undefined
        ? fc.stringMatching(new RegExp(pattern), { size: 'small' })
        : format === 'date-time'
          ? fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }).map((date) => date.toISOString())
          : contentEncoding === 'base64'
            ? fc.uint8Array({ maxLength: charsMost }).map((bytes) => Buffer.from(bytes).toString('base64'))
            : fc.string({ minLength, maxLength: Math.min(maxLength, charsMost), unit: 'binary' });
    return meant.length === 0
      ? any
      : fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...meant) }, { weight: 1, arbitrary: any });
  }

  function object({ properties = {}, required = [], additionalProperties, propertyNames }: Schema): fc.Arbitrary<unknown> {
    if (typeof additionalProperties === 'object') {
      const names = propertyNames ? (allowed(propertyNames) as fc.Arbitrary<string>) : fc.string();
      return fc.dictionary(names, allowed(additionalProperties), { maxKeys: itemsMost });
    }
    const fields = Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, allowed(schema)]));
    return fc.record(fields, { requiredKeys: required });
  }

  return {
    allowed,
    nearly: (schema) =>
      fc
        .tuple(allowed(schema), fc.nat(), fc.oneof(hostile, fc.constant(removed), allowed(schema)))
        .map(([value, place, instead]) => changed(value, place, instead)),
  };
}

const removed = Symbol('removed');

/** Values that often break parsers, stores and validators. */
export const hostile: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    '',
    ' ',
    '\u0000',
    '\ud800',
    '\uffff',
    'a'.repeat(5_000),
    '__proto__',
    'constructor',
    '../../etc/passwd',
    "' OR 1=1 --",
    '%00%2e%2e',
    0,
    -0,
    -1,
    0.5,
    1e-7,
    1e21,
    1e126,
    1e308,
    2 ** 31,
    2 ** 53,
    Number.MAX_SAFE_INTEGER,
    [],
    {},
    [[]],
    { $gt: 0 },
    { S: 'text' },
    { toString: 1, hasOwnProperty: 2 },
  ),
  fc.string({ unit: 'binary' }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.jsonValue(),
);

/** A copy in which the value at one place is replaced or removed, or a new value is added. */
function changed(value: unknown, place: number, instead: unknown): unknown {
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(isObject(value) ? value : {});
  if (entries.length === 0 || place % 4 === 0) {
    if (isObject(value) && place % 3 === 0 && instead !== removed) return { ...value, [`field${place % 7}`]: instead };
    return instead === removed ? undefined : instead;
  }
  const [at] = entries[place % entries.length]!;
  const kept = entries.flatMap(([name, one]): [string | number, unknown][] => {
    if (name !== at) return [[name, one]];
    const next = changed(one, Math.floor(place / 4), instead);
    return next === undefined ? [] : [[name, next]];
  });
  return Array.isArray(value) ? kept.map(([, one]) => one) : Object.fromEntries(kept);
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value);
