/** Converts bodies and attributes between the program and the wire. */
import type { Attributes, Json } from '../../contract/contract.ts';
import { jsonCopy } from '../../contract/json-values.ts';
import { checkJson, kindOf } from './json-check.ts';

/** A body as it travels: a JSON value, or bytes in base64. */
export interface Content {
  body?: Json;
  bodyBase64?: string;
}

/**
 * Converts a body for the wire: `Uint8Array` as `bodyBase64`, all else as JSON. The JSON is a copy, so later changes to the
 * body have no effect. A bigint becomes its digits, and a `jsonText` its text. Throws TypeError for values that JSON does not
 * have.
 */
export function contentOf(body: unknown): Content {
  if (isBytes(body)) return { bodyBase64: base64Of(body) };
  checkJson('body', body);
  return { body: jsonCopy(body) as Json };
}

/** Attributes to send. Use a bigint for whole numbers that a number cannot hold exactly. */
export type SentAttributes = Record<string, string | number | bigint>;

/** Attributes in the form in which they travel. */
export function attributesOf(attributes: SentAttributes): Attributes {
  checkJson('attributes', attributes);
  return jsonCopy(attributes) as Attributes;
}

export function bodyOf({ body, bodyBase64 }: { [Name in keyof Content]?: Content[Name] | undefined }): unknown {
  return bodyBase64 === undefined ? body : bytesOf(bodyBase64);
}

function isBytes(body: unknown): body is Uint8Array {
  return kindOf(body) === 'Uint8Array';
}

/** The number of arguments that every host accepts in one call of `String.fromCharCode`. */
const charsAtOnce = 8192;

function base64Of(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += charsAtOnce) binary += String.fromCharCode(...bytes.subarray(at, at + charsAtOnce));
  return btoa(binary);
}

function bytesOf(base64: string): Uint8Array {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
