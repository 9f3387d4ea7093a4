import { describe, expect, it } from 'vitest';
import type { Filter, Json } from '../../../contract/contract.ts';
import { bodyDepthMax, filterBytesMax } from '../../../contract/limits.ts';
import { validateFilter } from '../../../engine/topics/filter-limits.ts';
import { candidateMessage, compileMatcher } from '../../../engine/topics/matching.ts';
import { compileWildcard, linearFinder } from '../../../engine/topics/wildcard.ts';
import { range } from '../../support/range.ts';

const matcherOf = (filter: unknown) =>
  compileMatcher({ subject: null, filter: validateFilter(filter, 'body'), filterScope: 'body' });
const matches = (filter: unknown, body: string) => matcherOf(filter).matches(candidateMessage({ body: JSON.parse(body) }));
const parsed = (text: string): Filter => JSON.parse(text);

describe('names that objects inherit', () => {
  it('are keys like any other, in filters and in messages', () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length'];
    for (const name of names) {
      const filter = parsed(`{"${name}":["x"]}`);
      expect(matches(filter, `{"${name}":"x"}`), name).toBe(true);
      expect(matches(filter, '{}'), name).toBe(false);
      expect(matches(parsed(`{"${name}":[{"exists":true}]}`), '{}'), name).toBe(false);
      expect(matches(parsed(`{"${name}":[{"exists":false}]}`), '{}'), name).toBe(true);
      expect(matches(parsed(`{"${name}":{"name":[{"exists":false}]}}`), '{}'), name).toBe(true);
    }
  });

  it('do not change any prototype', () => {
    matches(parsed('{"__proto__":{"polluted":["x"]}}'), '{"__proto__":{"polluted":"x"}}');
    expect('polluted' in {}).toBe(false);
  });
});

describe('wildcards', () => {
  /** Counts how often a character of the text is read. */
  class CountedText {
    reads = 0;
    readonly length: number;
    private readonly text: string;

    constructor(text: string) {
      this.text = text;
      this.length = text.length;
    }

    charCodeAt(at: number): number {
      this.reads++;
      return this.text.charCodeAt(at);
    }
  }

  it('a search reads each character of the text once, however the pattern repeats itself', () => {
    const patterns = [`${'a'.repeat(5_000)}b`, `b${'a'.repeat(5_000)}`, `${'ab'.repeat(2_500)}c`];
    for (const pattern of patterns) {
      const text = new CountedText('a'.repeat(100_000));
      expect(linearFinder(pattern)(text, 0)).toBe(-1);
      expect(text.reads).toBe(100_000);
    }
  });

  it('a search finds the leftmost occurrence from a position on', () => {
    for (const part of ['ab', 'aab', 'abab', 'b']) {
      for (const text of ['aabab', 'ababab', 'aaaa', 'xaabaabab', '']) {
        for (const from of range(text.length + 1)) {
          const found = text.indexOf(part, from);
          expect(linearFinder(part)(text, from), `${part} in ${text} from ${from}`).toBe(found < 0 ? -1 : found + part.length);
        }
      }
    }
  });

  it('with thousands of stars, and with parts of any length, match what they describe', () => {
    const stars = compileWildcard('a*'.repeat(10_000));
    expect(stars('a'.repeat(10_000))).toBe(true);
    expect(stars('a'.repeat(9_999))).toBe(false);
    for (const length of [1, 31, 32, 33, 34, 1_000]) {
      const part = 'xy'.repeat(length).slice(0, length);
      const test = compileWildcard(`a*${part}*${part}*b`);
      expect(test(`a${part}${part}b`), `${length}`).toBe(true);
      expect(test(`a-${part}-${part}-b`), `${length}`).toBe(true);
      expect(test(`a${part}b`), `${length}`).toBe(false);
      expect(test(`a${part}${part.slice(1)}b`), `${length}`).toBe(false);
    }
  });

  it('do not let their begin and end overlap in the text', () => {
    expect(compileWildcard('ab*ba')('aba')).toBe(false);
    expect(compileWildcard('ab*ba')('abba')).toBe(true);
    expect(compileWildcard('a*b*b')('ab')).toBe(false);
    expect(compileWildcard('*')('')).toBe(true);
    expect(compileWildcard('')('')).toBe(true);
    expect(compileWildcard('')('a')).toBe(false);
    expect(compileWildcard('\\**')('*a')).toBe(true);
    expect(compileWildcard('\\**')('a')).toBe(false);
  });

  it('of the largest filter decide on the largest body', () => {
    const half = filterBytesMax / 2 - 100;
    const filter = { key: [{ wildcard: `*b${'a'.repeat(half)}*` }, { wildcard: `${'a*'.repeat(half / 2)}b` }] };
    const body = (end: string): string => JSON.stringify({ key: `${'a'.repeat(1_000_000)}${end}` });
    expect(matches(filter, body('c'))).toBe(false);
    expect(matches(filter, body('b'))).toBe(true);
  });
});

describe('bodies', () => {
  it('with large lists are looked through once for each condition', () => {
    let reads = 0;
    const list = new Proxy(range(10_000), {
      get(target, name, receiver) {
        if (typeof name === 'string' && /^\d+$/.test(name)) reads++;
        return Reflect.get(target, name, receiver);
      },
    });
    const body = { key: list as Json };
    expect(matcherOf({ key: ['x'] }).matches(candidateMessage({ body }))).toBe(false);
    expect(reads).toBe(10_000);
  });

  it('that nest as deep as any body may are looked through', () => {
    const deep = `${'['.repeat(bodyDepthMax - 1)}"x"${']'.repeat(bodyDepthMax - 1)}`;
    expect(matches({ key: ['x'] }, `{"key":${deep}}`)).toBe(true);
    expect(matches({ key: [{ exists: false }] }, `{"key":${deep}}`)).toBe(false);
  });

  it('with numbers that no double holds exactly compare as they are, because filters have small numbers only', () => {
    const numbers = ['9007199254740993', '1e400', '1970670598291982290'];
    for (const number of numbers) {
      expect(matches({ key: [{ numeric: ['>', 1_000_000_000] }] }, `{"key":${number}}`), number).toBe(true);
      expect(matches({ key: [{ numeric: ['<=', 1_000_000_000] }] }, `{"key":${number}}`), number).toBe(false);
      expect(matches({ key: [{ numeric: ['<', -1_000_000_000] }] }, `{"key":-${number}}`), number).toBe(true);
    }
    expect(matches({ key: [0] }, '{"key":-0}')).toBe(true);
  });
});
