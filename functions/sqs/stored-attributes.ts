/**
 * How message attributes of SQS are stored among the attributes of the queue. A plain text or number is an attribute of its own name,
 * so that every API shows it and filters match it. What does not fit goes into one attribute, `sqs`, as JSON text.
 */

import type { Attributes } from '../../contract/contract.ts';
import { isJsonText, membersOf, textAsJson } from '../../contract/json-text.ts';
import { attributeNameCharsMax, attributeStringCharsMax } from '../../contract/limits.ts';
import { isObject } from './input.ts';
import { type MessageAttribute, type MessageAttributes, withoutForbiddenCharacters } from './message-attributes.ts';

/** The attribute that holds what is no plain text or number. */
export const reservedName = 'sqs';

/** The names that every API accepts. */
const plainName = new RegExp(`^[A-Za-z0-9_.-]{1,${attributeNameCharsMax}}$`);

/** Each value is its type and its text. */
interface Reserved {
  attributes?: { [name: string]: [type: string, value: string] };
  system?: { [name: string]: [type: string, value: string] };
}

export interface StoredAttributes {
  attributes: MessageAttributes;
  system: MessageAttributes;
}

/** The attributes of a publish, as JSON text: numbers keep their digits. */
export function storedAttributes({ attributes, system }: StoredAttributes): Attributes | undefined {
  const members: string[] = [];
  const others: [string, MessageAttribute][] = [];
  for (const [name, attribute] of attributes) {
    const text = plainText(name, attribute);
    if (text === undefined) others.push([name, attribute]);
    else members.push(`${JSON.stringify(name)}:${text}`);
  }
  const reserved: Reserved = {
    ...(others.length > 0 && { attributes: pairs(others) }),
    ...(system.size > 0 && { system: pairs([...system]) }),
  };
  if (Object.keys(reserved).length > 0) {
    members.push(`${JSON.stringify(reservedName)}:${JSON.stringify(JSON.stringify(reserved))}`);
  }
  return members.length === 0 ? undefined : (textAsJson(`{${members.join(',')}}`) as unknown as Attributes);
}

/** The attribute as JSON, if it is a text or a number that every API accepts and shows as it is. */
function plainText(name: string, { type, value }: MessageAttribute): string | undefined {
  if (name === reservedName || name === '__proto__' || !plainName.test(name)) return undefined;
  if (value.length > attributeStringCharsMax) return undefined;
  if (type === 'String') return JSON.stringify(value);
  const isJsonNumber = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(value) && Number.isFinite(Number(value));
  return type === 'Number' && isJsonNumber ? value : undefined;
}

function pairs(attributes: readonly [string, MessageAttribute][]): { [name: string]: [string, string] } {
  return Object.fromEntries(attributes.map(([name, { type, value }]) => [name, [type, value]]));
}

/** The message attributes of a received message, whatever API published it. */
export function readAttributes(stored: unknown): StoredAttributes {
  const attributes = new Map<string, MessageAttribute>();
  let system: MessageAttributes = new Map();
  for (const [name, { text }] of isJsonText(stored) ? (membersOf(stored.text) ?? []) : []) {
    const isText = text.startsWith('"');
    const value: string = isText ? JSON.parse(text) : text;
    const reserved = name === reservedName && isText ? readReserved(value) : undefined;
    if (reserved === undefined) {
      attributes.set(name, { type: isText ? 'String' : 'Number', value: withoutForbiddenCharacters(value) });
      continue;
    }
    for (const [other, attribute] of reserved.attributes) attributes.set(other, attribute);
    system = reserved.system;
  }
  return { attributes, system };
}

/** Undefined if the text is not one of this form: another API may use the name for a text of its own. */
function readReserved(text: string): StoredAttributes | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const attributes = readPairs(value.attributes);
  const system = readPairs(value.system);
  const isKnown = Object.keys(value).every((name) => name === 'attributes' || name === 'system');
  return isKnown && attributes && system ? { attributes, system } : undefined;
}

function readPairs(value: unknown): MessageAttributes | undefined {
  if (value === undefined) return new Map();
  if (!isObject(value)) return undefined;
  const pairs = Object.entries(value);
  const isPair = (pair: unknown) => Array.isArray(pair) && pair.length === 2 && pair.every((part) => typeof part === 'string');
  if (!pairs.every(([, pair]) => isPair(pair))) return undefined;
  return new Map(
    pairs.map(([name, pair]) => {
      const [type, text] = pair as [string, string];
      return [name, { type: withoutForbiddenCharacters(type), value: withoutForbiddenCharacters(text) }];
    }),
  );
}
