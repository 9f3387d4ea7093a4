/** Checks whether a body may be published. The answers say what is wrong with the body and never contain any of it. */
import { depthOf, isJsonText } from '../json-text.ts';
import { bodyBytesMax, bodyDepthMax } from '../limits.ts';

const tooLarge = (given: string, bytesMax: number) => `must be at most ${bytesMax} bytes, was ${given}`;

/** What is wrong with a JSON value; `undefined` if it is valid. */
export function bodyFault(body: unknown, bytesMax = bodyBytesMax): string | undefined {
  if (isJsonText(body)) return textFault(body.text, bytesMax);
  const shape = shapeFault(body, bytesMax);
  if (shape !== undefined) return shape;
  let text: string | undefined;
  try {
    text = JSON.stringify(body);
  } catch {
    // In process, a value may have a `toJSON` that throws.
    return notJson;
  }
  if (text === undefined) return notJson;
  return sizeFault(text, bytesMax);
}

const notJson = 'must be a JSON value';
const tooDeep = `must not be nested deeper than ${bodyDepthMax}`;

function textFault(text: string, bytesMax: number): string | undefined {
  const size = sizeFault(text, bytesMax);
  if (size !== undefined) return size;
  if (!text.isWellFormed()) return 'must not contain an unpaired surrogate, except as an escape';
  return text.length > 2 * bodyDepthMax && depthOf(text) > bodyDepthMax ? tooDeep : undefined;
}

function sizeFault(text: string, bytesMax: number): string | undefined {
  // A UTF-16 unit takes at most three bytes of UTF-8, so most bodies can be accepted without encoding them.
  if (text.length * 3 <= bytesMax) return undefined;
  const bytes = new TextEncoder().encode(text).length;
  return bytes > bytesMax ? tooLarge(`${bytes} bytes as JSON text`, bytesMax) : undefined;
}

/**
 * Looks for values that nest too deep (a cycle nests endlessly) and for values that JSON lacks. Each value takes at least one
 * byte of text, so it stops after as many values as a body may have bytes.
 */
function shapeFault(body: unknown, bytesMax: number): string | undefined {
  let values = 0;
  const look = (value: unknown, depth: number): string | undefined => {
    values += 1;
    if (values > bytesMax) return tooLarge('more', bytesMax);
    if (typeof value === 'number') return Number.isFinite(value) ? undefined : notJson;
    if (typeof value === 'bigint' || typeof value === 'function' || typeof value === 'symbol') return notJson;
    if (typeof value !== 'object' || value === null) return undefined;
    if (depth >= bodyDepthMax) return tooDeep;
    for (const inner of Array.isArray(value) ? value : Object.values(value)) {
      const found = look(inner, depth + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return look(body, 0);
}

/** What is wrong with bytes as base64 (RFC 4648, section 4: padded, canonical); `undefined` if they are valid. */
export function bytesFault(base64: string): string | undefined {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  const bytes = (base64.length / 4) * 3 - padding;
  if (bytes > bodyBytesMax) return tooLarge(`${Math.floor(bytes)} bytes`, bodyBytesMax);
  const digits = base64.length - padding;
  const spareBits = padding === 2 ? /[AQgw]$/ : padding === 1 ? /[AEIMQUYcgkosw048]$/ : /$/;
  const strict = base64.length % 4 === 0 && !/[^A-Za-z0-9+/]/.test(base64.slice(0, digits));
  return strict && spareBits.test(base64.slice(0, digits)) ? undefined : 'must be base64 text, padded, of A-Z a-z 0-9 + /';
}
