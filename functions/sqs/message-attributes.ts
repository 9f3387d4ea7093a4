/** Reads the message attributes of a call, and selects those that a receive asks for. */
import { invalidParameter } from './errors.ts';
import { type Input, objectMapOf, textOf } from './input.ts';

/** `value`: base64 if the type is `Binary`, else text. */
export interface MessageAttribute {
  type: string;
  value: string;
}

export type MessageAttributes = ReadonlyMap<string, MessageAttribute>;

const attributesMax = 10;
/** SQS accepts the letters and digits of every script, although its documentation does not say so. */
const nameForm = /^[\p{L}\p{N}_.-]{1,256}$/u;
const typeForm = /^(String|Number|Binary)(\..+)?$/s;
const typeCharsMax = 256;
/** SQS keeps 38 digits, from 10^-128 to 10^126. */
const numberForm = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?$/;
const digitsMax = 38;
/** The characters of XML 1.0, which SQS accepts in texts. */
const forbiddenCharacters = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;
const everyForbiddenCharacter = new RegExp(forbiddenCharacters.source, 'gu');

export function hasForbiddenCharacters(text: string): boolean {
  return forbiddenCharacters.test(text);
}

/** Other APIs accept characters that XML does not have. */
export function withoutForbiddenCharacters(text: string): string {
  return text.replace(everyForbiddenCharacter, '\uFFFD');
}

export function messageAttributesOf(input: Input): MessageAttributes {
  const given = objectMapOf(input, 'MessageAttributes') ?? [];
  if (given.length > attributesMax) {
    throw invalidParameter(`Number of message attributes [${given.length}] exceeds the allowed maximum [${attributesMax}].`);
  }
  return new Map(given.map(([name, value]) => [checkedName(name), attributeOf(name, value)]));
}

/** The one system attribute that a send may have. */
export function systemAttributesOf(input: Input): MessageAttributes {
  const given = objectMapOf(input, 'MessageSystemAttributes') ?? [];
  return new Map(
    given.map(([name, value]) => {
      const attribute = attributeOf(name, value);
      if (name !== 'AWSTraceHeader') {
        throw invalidParameter(`Message system attribute name '${name.slice(0, 100)}' is invalid.`);
      }
      if (attribute.type !== 'String') {
        throw invalidParameter(`The message system attribute '${name}' must use a 'String' data type.`);
      }
      return [name, attribute];
    }),
  );
}

function checkedName(name: string): string {
  const isReserved = /^(aws|amazon)\./i.test(name);
  if (nameForm.test(name) && !isReserved && !name.startsWith('.') && !name.endsWith('.') && !name.includes('..')) return name;
  throw invalidParameter(
    `Message attribute name '${name.slice(0, 256)}' is invalid: it must be 1 to 256 letters, digits and _ - ., without AWS. or Amazon. at the start, and with single periods inside.`,
  );
}

function attributeOf(name: string, input: Input): MessageAttribute {
  const shown = name.slice(0, 256);
  const type = textOf(input, 'DataType');
  const text = textOf(input, 'StringValue');
  const binary = textOf(input, 'BinaryValue');
  for (const list of ['StringListValues', 'BinaryListValues']) {
    if (Array.isArray(input[list]) && input[list].length > 0)
      throw invalidParameter(`Message attribute list values in ${list} are not supported.`);
  }
  if (type === undefined || type === '') {
    throw invalidParameter(`The message attribute '${shown}' must contain a non-empty message attribute type.`);
  }
  const base = typeForm.exec(type)?.[1];
  if (base === undefined || type.length > typeCharsMax || hasForbiddenCharacters(type)) {
    throw invalidParameter(
      `The type of message attribute '${shown}' is invalid. You must use only the following supported type prefixes: Binary, Number, String.`,
    );
  }
  const value = base === 'Binary' ? binary : text;
  const other = base === 'Binary' ? text : binary;
  if (other !== undefined || value === undefined || value === '') {
    throw invalidParameter(
      `The message attribute '${shown}' must contain a non-empty message attribute value of its type '${base}', and no other value.`,
    );
  }
  if (base === 'Binary' && !isBase64(value)) {
    throw invalidParameter(`The message attribute '${shown}' must contain base64 in BinaryValue.`);
  }
  if (base !== 'Binary' && hasForbiddenCharacters(value)) {
    throw invalidParameter(`The message attribute '${shown}' has a character that is not allowed.`);
  }
  if (base === 'Number' && !isNumber(value)) {
    throw invalidParameter(`Can't cast the value of message (system) attribute '${shown}' to a number.`);
  }
  return { type, value };
}

function isNumber(text: string): boolean {
  return numberForm.test(text) && text.replace(/[eE].*$/, '').replace(/\D/g, '').length <= digitsMax;
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

/** What the attributes count towards the size of a message: names, types and values. */
export function bytesOfAttributes(attributes: MessageAttributes): number {
  let bytes = 0;
  for (const [name, { type, value }] of attributes) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(type);
    bytes += Buffer.byteLength(value, type.startsWith('Binary') ? 'base64' : 'utf8');
  }
  return bytes;
}

/** The attributes that these names ask for: `All`, `*`, `.*`, or names that may end with `.*` for every name that begins so. */
export function selectedAttributes(attributes: MessageAttributes, names: readonly string[]): MessageAttributes {
  const isAsked = (name: string) =>
    names.some(
      (asked) =>
        asked === 'All' || asked === '*' || asked === name || (asked.endsWith('.*') && name.startsWith(asked.slice(0, -2))),
    );
  return new Map([...attributes].filter(([name]) => isAsked(name)));
}
