import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { depthOf, isJsonText, jsonText, membersOf, readAnswer, readRequest, rowsOf } from '../../../contract/json-text.ts';
import { parseWithBigints, stringify, withValues, writeJson } from '../../../contract/json-values.ts';
import { testSeed } from '../../support/seed.ts';

const names = fc.oneof(fc.constantFrom('body', 'attributes', 'result', '__proto__', 'messages', 'a"\\', ''), fc.string());
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'binary' }),
    fc.double(),
    fc.integer(),
    fc.constantFrom(null, true),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('value'), { maxLength: 4 }),
  object: fc.dictionary(names, tie('value'), { maxKeys: 5, noNullPrototype: true }),
}));
const texts = fc.tuple(json.value!, fc.constantFrom('', ' ', '\t')).map(([value, indent]) => JSON.stringify(value, null, indent));

function property(holds: (text: string) => void): void {
  fc.assert(fc.property(texts, holds), { seed: testSeed, numRuns: 500 });
}

describe('the JSON reader that keeps parts as text', () => {
  it('the JSON reader returns the values that JSON.parse returns', () => {
    property((text) => {
      expect(withValues(readAnswer(text))).toStrictEqual(JSON.parse(text));
      expect(withValues(readRequest(text))).toStrictEqual(JSON.parse(text));
      expect(parseWithBigints(text)).toStrictEqual(
        JSON.parse(text, (_, value) => (isBeyond(value) ? BigInt(String(value)) : value)),
      );
    });
  });

  it('a text that the JSON reader keeps is unchanged, except for white space outside of it', () => {
    property((text) => {
      expect(JSON.parse(writeJson(readAnswer(text)))).toStrictEqual(JSON.parse(text));
      expect(stringify(readAnswer(text))).toBe(writeJson(readAnswer(text)));
    });
  });

  it('members, rows and depth can be read from the text alone', () => {
    property((text) => {
      const value = JSON.parse(text);
      const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
      const members = membersOf(text)?.map(([name, member]) => [name, JSON.parse(member.text)]);
      expect(members).toStrictEqual(isObject ? Object.entries(value) : undefined);
      const isRows = Array.isArray(value) && value.every(Array.isArray);
      expect(rowsOf(text)?.map((row) => row.map((one) => JSON.parse(one)))).toStrictEqual(isRows ? value : undefined);
      expect(depthOf(text)).toBe(depth(value));
    });
  });

  it('the JSON reader keeps a text within a text to the byte', () => {
    const body = jsonText('{ "n": 1.0 }');
    const message = {
      id: 'a',
      body,
      big: 12345678901234567890n,
      list: [{ result: jsonText('-0') }, undefined],
      none: undefined,
      at: new Date(0),
    };
    const text =
      '{"id":"a","body":{ "n": 1.0 },"big":12345678901234567890,"list":[{"result":-0},null],"at":"1970-01-01T00:00:00.000Z"}';
    expect(stringify(message)).toBe(text);
    expect(() => JSON.stringify(message)).toThrow(TypeError);
    expect(isJsonText((readAnswer(text) as typeof message).body)).toBe(true);
    expect(isJsonText(JSON.parse('{"text":"1"}'))).toBe(false);
  });

  it.each(['{"a":}', '', '[1', '{"a":1}}', '"a', "{'a':1}"])('the JSON reader refuses %s, which is not JSON', (text) => {
    for (const read of [readAnswer, readRequest, parseWithBigints, membersOf, rowsOf])
      expect(() => read(text)).toThrow(SyntaxError);
  });
});

/** Whether a number is a whole one beyond the digits that a double holds. */
function isBeyond(value: unknown): boolean {
  return typeof value === 'number' && /^-?\d+$/.test(String(value)) && !Number.isSafeInteger(value);
}

function depth(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depth));
}
