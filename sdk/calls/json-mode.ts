/** The client's option `json`: the form in which the JSON of messages is returned. */
import { membersOf } from '../../contract/json-text.ts';
import { parseWithBigints, type Read } from '../../contract/json-values.ts';

export type JsonMode = 'values' | 'bigint' | 'text';

/** The reader for a mode; undefined for `values`, which needs none. Throws TypeError for an unknown mode. */
export function readerOf(mode: JsonMode = 'values'): Read | undefined {
  if (mode === 'values') return undefined;
  if (mode === 'bigint') return (text) => parseWithBigints(text);
  if (mode === 'text') return textsOf;
  throw new TypeError(`json is ${JSON.stringify(mode)}, and must be one of values, bigint, text`);
}

/** Attributes stay an object, with one text for each value. */
function textsOf(text: string, name: string): unknown {
  if (name !== 'attributes') return text;
  return Object.fromEntries((membersOf(text) ?? []).map(([attribute, value]) => [attribute, value.text]));
}
