import { describe, expect, it } from 'vitest';
import { bodyDepthMax } from '../../../contract/limits.ts';
import { nestsDeeper } from '../../../contract/nesting.ts';
import { parseInput } from '../../../contract/schemas/parse.ts';

const nested = (depth: number): unknown => JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`);

describe('the depth of a value', () => {
  it('is that of its deepest list or object', () => {
    for (const scalar of [1, 'x', null, undefined, true]) expect(nestsDeeper(scalar, 0)).toBe(false);
    for (const value of [[], {}, [1]]) {
      expect(nestsDeeper(value, 0)).toBe(true);
      expect(nestsDeeper(value, 1)).toBe(false);
    }
    expect(nestsDeeper({ a: [1], b: { c: [{}] } }, 3)).toBe(true);
    expect(nestsDeeper({ a: [1], b: { c: [{}] } }, 4)).toBe(false);
  });

  it('is found without recursion', () => {
    expect(nestsDeeper(nested(200_000), 199_999)).toBe(true);
    expect(nestsDeeper(nested(200_000), 200_000)).toBe(false);
  });
});

it('a subscription whose filter nests too deep is refused, however deep', () => {
  for (const depth of [bodyDepthMax + 1, 50_000]) {
    for (const operation of ['subscribe', 'updateSubscription'] as const) {
      expect(() => parseInput(operation, { filter: nested(depth) }), `${operation}, ${depth}`).toThrow(
        `filter: must nest at most ${bodyDepthMax} deep`,
      );
    }
  }
});
