import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { covers, coversAll } from '../../../functions/auth/name-patterns.ts';

describe('a queue pattern', () => {
  it.each<[string, string, boolean]>([
    ['orders', 'orders', true],
    ['orders', 'orders-eu', false],
    ['orders', 'Orders', false],
    ['orders-*', 'orders-', true],
    ['orders-*', 'orders-eu', true],
    ['orders-*', 'orders', false],
    ['*-dead', 'orders-dead', true],
    ['*-dead', 'orders-dead-2', false],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['**', 'x', true],
    ['.', 'x', false],
  ])('the pattern %s against the queue %s matches: %s', (pattern, queue, expected) => {
    expect(covers([pattern], queue)).toBe(expected);
  });

  it('a queue pattern matches the same names as a regular expression of the same meaning', () => {
    const text = (characters: string) => fc.string({ unit: fc.constantFrom(...characters), maxLength: 12 });
    fc.assert(
      fc.property(text('ab*'), text('ab'), (pattern, queue) => {
        expect(covers([pattern], queue)).toBe(new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(queue));
      }),
      { numRuns: 2000 },
    );
  });

  it('a queue pattern with many stars refuses a name in little time', () => {
    expect(covers([`${'*a'.repeat(40)}b`], 'a'.repeat(80))).toBe(false);
  });

  it('a queue pattern covers all queues only if it consists of stars', () => {
    expect(coversAll(['*'])).toBe(true);
    expect(coversAll(['a*', '**'])).toBe(true);
    expect(coversAll(['a*', '*b', ''])).toBe(false);
  });
});
