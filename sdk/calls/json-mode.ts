/** What the JSON of messages comes as. */
import { membersOf, parseWithBigints } from '../../contract/json-reader.ts';
import type { Read } from '../../contract/json-text.ts';

export type JsonMode = 'values' | 'bigint' | 'text';

/** Undefined: values, as they are. Throws TypeError for a mode that is none. */
export function readerOf(mode: JsonMode = 'values'): Read | undefined {
  if (mode === 'values') return undefined;
  if (mode === 'bigint') return (text) => parseWithBigints(text);
  if (mode === 'text') return textsOf;
  throw new TypeError(`json is ${JSON.stringify(mode)}, and must be one of values, bigint, text`);
}

/** Attributes are an object all the same, of a text for each. */
function textsOf(text: string, name: string): unknown {
  if (name !== 'attributes') return text;
  return Object.fromEntries((membersOf(text) ?? []).map(([attribute, value]) => [attribute, value.text]));
}
