import { describe, expect, it } from 'vitest';
import type { FilterScope } from '../../../contract/contract.ts';
import { DumbwaiterError } from '../../../contract/errors.ts';
import { textAsJson } from '../../../contract/json-text.ts';
import { bodyDepthMax, filterBytesMax } from '../../../contract/limits.ts';
import { validateFilter } from '../../../engine/topics/filter-limits.ts';
import { range } from '../../support/range.ts';

function errorOf(filter: unknown, scope: FilterScope = 'body'): string | undefined {
  try {
    validateFilter(filter, scope);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(DumbwaiterError);
    expect((error as DumbwaiterError).code).toBe('invalid_input');
    return (error as Error).message;
  }
}

const values = (count: number) => range(count).map((index) => `value${index}`);
function nested(depth: number): unknown {
  let filter: unknown = ['x'];
  for (let level = 0; level < depth; level++) filter = { a: filter };
  return filter;
}

const negated = 'prefix, suffix, wildcard, equals-ignore-case';
const operators = `${negated}, anything-but, numeric, cidr, exists`;
const wrong: [filter: unknown, message: string][] = [
  ['rugby', 'filter: must be an object'],
  [null, 'filter: must be an object'],
  [['rugby'], 'filter: must be an object'],
  [{ key: 'value' }, 'filter.key: must be a list of conditions or an object'],
  [{ key: null }, 'filter.key: must be a list of conditions or an object'],
  [{ key: [] }, 'filter.key: must have at least one condition'],
  [{ key: {} }, 'filter.key: must have at least one key'],
  [{ key: { suffix: 'value' } }, 'filter.key.suffix: must be a list of conditions or an object'],
  [{ key: [['value']] }, 'filter.key[0]: must be a text, a number, true, false, null or an object'],
  [{ key: ['a', {}] }, 'filter.key[1]: must have exactly one operator'],
  [{ key: [{ suffix: 'a', prefix: 'b' }] }, 'filter.key[0]: must have exactly one operator'],
  [{ key: [{ prefx: 'a' }] }, `filter.key[0]: has no operator "prefx"; there are ${operators}`],
  [{ key: [{ __proto__: null, constructor: 'a' }] }, `filter.key[0]: has no operator "constructor"; there are ${operators}`],
  [{ key: [{ prefix: 100 }] }, 'filter.key[0].prefix: must be a text'],
  [{ key: [{ prefix: null }] }, 'filter.key[0].prefix: must be a text'],
  [{ key: [{ suffix: ['a', 'b'] }] }, 'filter.key[0].suffix: must be a text'],
  [{ key: [{ prefix: { suffix: 'a' } }] }, 'filter.key[0].prefix.equals-ignore-case: must be a text'],
  [{ key: [{ prefix: { 'equals-ignore-case': 'a', suffix: 'a' } }] }, 'filter.key[0].prefix: must have exactly one operator'],
  [{ key: [{ 'equals-ignore-case': 1 }] }, 'filter.key[0].equals-ignore-case: must be a text'],
  [{ key: [{ wildcard: 1 }] }, 'filter.key[0].wildcard: must be a text'],
  [{ key: [{ wildcard: 'a**b' }] }, 'filter.key[0].wildcard: must not contain two `*` in a row'],
  [{ key: [{ wildcard: 'a\\b' }] }, 'filter.key[0].wildcard: must have `*` or `\\` after each `\\`'],
  [{ key: [{ wildcard: 'a\\' }] }, 'filter.key[0].wildcard: must have `*` or `\\` after each `\\`'],
  [{ key: [{ exists: 'no' }] }, 'filter.key[0].exists: must be true or false'],
  [{ key: [{ exists: null }] }, 'filter.key[0].exists: must be true or false'],
  [{ key: [{ exists: false, prefix: 'a' }] }, 'filter.key[0]: must have exactly one operator'],
  [{ key: [{ cidr: 10 }] }, 'filter.key[0].cidr: must be a text'],
  [{ key: [{ cidr: '10.0.0.0' }] }, 'filter.key[0].cidr: must have 0 to 32 bits after the "/"'],
  [{ key: [{ cidr: '10.0.0.0/33' }] }, 'filter.key[0].cidr: must have 0 to 32 bits after the "/"'],
  [{ key: [{ cidr: '::/129' }] }, 'filter.key[0].cidr: must have 0 to 128 bits after the "/"'],
  [{ key: [{ cidr: '10.0.0.0/x' }] }, 'filter.key[0].cidr: must have 0 to 32 bits after the "/"'],
  [{ key: [{ cidr: '10.0.0/8' }] }, 'filter.key[0].cidr: must be an IP address and a number of bits, such as "10.0.0.0/24"'],
  [{ key: [{ cidr: '10.0.0.0/8/8' }] }, 'filter.key[0].cidr: must be an IP address and a number of bits, such as "10.0.0.0/24"'],
  [{ key: [{ cidr: 'fe80::%1/8' }] }, 'filter.key[0].cidr: must be an IP address and a number of bits, such as "10.0.0.0/24"'],
  [{ key: [{ 'anything-but': null }] }, 'filter.key[0].anything-but: must be a text or a number'],
  [{ key: [{ 'anything-but': true }] }, 'filter.key[0].anything-but: must be a text or a number'],
  [{ key: [{ 'anything-but': [] }] }, 'filter.key[0].anything-but: must have at least one value'],
  [{ key: [{ 'anything-but': ['a', []] }] }, 'filter.key[0].anything-but[1]: must be a text or a number'],
  [{ key: [{ 'anything-but': ['a', 1] }] }, 'filter.key[0].anything-but: must be texts only, or numbers only'],
  [{ key: [{ 'anything-but': {} }] }, 'filter.key[0].anything-but: must have exactly one operator'],
  [
    { key: [{ 'anything-but': { exists: false } }] },
    `filter.key[0].anything-but: has no operator "exists"; there are ${negated}`,
  ],
  [{ key: [{ 'anything-but': { prefix: false } }] }, 'filter.key[0].anything-but.prefix: must be a text'],
  [{ key: [{ 'anything-but': { prefix: [] } }] }, 'filter.key[0].anything-but.prefix: must have at least one text'],
  [{ key: [{ 'anything-but': { suffix: ['a', 1] } }] }, 'filter.key[0].anything-but.suffix[1]: must be a text'],
  [{ key: [{ 'anything-but': { wildcard: '**' } }] }, 'filter.key[0].anything-but.wildcard: must not contain two `*` in a row'],
  [{ key: [1_000_000_001] }, 'filter.key[0]: must be a number from -1000000000 to 1000000000, was 1000000001'],
  [
    { key: [{ 'anything-but': -1e10 }] },
    'filter.key[0].anything-but: must be a number from -1000000000 to 1000000000, was -10000000000',
  ],
  [
    { key: [{ 'anything-but': [1, 1e10] }] },
    'filter.key[0].anything-but[1]: must be a number from -1000000000 to 1000000000, was 10000000000',
  ],
  [{ a: { b: ['x', 'y', { numeric: 5 }] } }, 'filter.a.b[2].numeric: must be a list, such as [">", 0, "<=", 5]'],
  [{ $or: [{ a: ['x'] }, {}] }, 'filter.$or[1]: must have at least one key'],
  [{ $or: [{ a: ['x'] }, { b: [{ prefix: 1 }] }] }, 'filter.$or[1].b[0].prefix: must be a text'],
  [{ $or: [{ a: ['x'] }] }, `filter.$or[0]: has no operator "a"; there are ${operators}`],
  [{ a: ['1'], b: ['1'], c: ['1'], d: ['1'], e: ['1'], f: ['1'] }, 'filter: must have at most 5 keys, has 6'],
  [{ key: ['x'.repeat(filterBytesMax)] }, `filter: must be at most 262144 bytes as JSON text, is ${filterBytesMax + 12}`],
];

const numeric: [operand: unknown, message: string][] = [
  [[], ': must be one or two comparisons, each an operator and a number'],
  [['>='], ': must be one or two comparisons, each an operator and a number'],
  [['>', 20, '<='], ': must be one or two comparisons, each an operator and a number'],
  [['>', 20, '<', 30, '<', 50], ': must be one or two comparisons, each an operator and a number'],
  [['operator', 1], '[0]: must be one of = < <= > >='],
  [['toString', 1], '[0]: must be one of = < <= > >='],
  [[1, '<='], '[0]: must be one of = < <= > >='],
  [['>', 20, 30, '<'], '[2]: must be one of = < <= > >='],
  [['=', '000'], '[1]: must be a number'],
  [['>', 20, '<', '30'], '[3]: must be a number'],
  [['<', 100, '>', 10], ': a range must begin with ">" or ">=" and end with "<" or "<="'],
  [['>=', 1, '>', 2], ': a range must begin with ">" or ">=" and end with "<" or "<="'],
  [['=', 1, '<', 2], ': a range must begin with ">" or ">=" and end with "<" or "<="'],
  [['>', 3, '<', 1], ': the first number of a range must be less than the second'],
  [['>=', 3, '<=', 3], ': the first number of a range must be less than the second'],
  [['<', 1e10], '[1]: must be a number from -1000000000 to 1000000000, was 10000000000'],
];

describe('a filter that is not valid', () => {
  it('is refused with the path of what is wrong', () => {
    expect(wrong).not.toEqual([]);
    for (const [filter, message] of wrong) expect(errorOf(filter), JSON.stringify(filter).slice(0, 100)).toBe(message);
  });

  it('is refused for a numeric condition that is not a range', () => {
    expect(numeric).not.toEqual([]);
    for (const [operand, message] of numeric) {
      expect(errorOf({ price: [{ numeric: operand }] }), JSON.stringify(operand)).toBe(`filter.price[0].numeric${message}`);
    }
  });

  it('is refused for nested keys if it looks at attributes, also within alternatives', () => {
    const message = 'must be a list: keys nest only with "filterScope": "body"';
    expect(errorOf({ a: { b: ['x'] } }, 'attributes')).toBe(`filter.a: ${message}`);
    expect(errorOf({ $or: [{ a: ['x'] }, { b: { c: ['x'] } }] }, 'attributes')).toBe(`filter.$or[1].b: ${message}`);
    expect(errorOf({ a: { b: ['x'] } })).toBeUndefined();
  });

  it('is refused if it nests so deep that no body could match, whatever nests', () => {
    expect(errorOf(nested(bodyDepthMax + 1))).toBe(`filter: must nest at most ${bodyDepthMax} deep`);
    expect(errorOf(nested(100_000))).toBe(`filter: must nest at most ${bodyDepthMax} deep`);
    const alternatives = JSON.parse(`${'{"$or":[{"a":[1]},'.repeat(10_000)}{"a":[1]}${']}'.repeat(10_000)}`);
    expect(errorOf(alternatives)).toBe(`filter: must nest at most ${bodyDepthMax} deep`);
  });
});

describe('the combinations of a filter', () => {
  const flat = {
    source: ['aws.cloudwatch', 'aws.events', 'aws.test', 'aws.test2'],
    $or: [
      { metricName: ['CPUUtilization', 'ReadLatency', 't1', 't2', 't3', 't4'] },
      {
        metricType: ['MetricType', 'TestType', 'TestType2', 'TestType3'],
        $or: [{ metricId: [1, 2, 3, 4] }, { spaceId: [1, 2, 3, 4] }],
      },
    ],
  };
  const counts: [filter: unknown, combinations: number][] = [
    [{ key: values(150) }, 150],
    [{ key: values(151) }, 151],
    [{ a: values(100), b: values(51) }, 5100],
    // The examples of the SNS developer guide: 3 x 1 x 2, and 3 x 4 x 2 x 3.
    [{ a: values(3), b: values(1), c: values(2) }, 6],
    [{ a: { b: { c: values(4) } }, d: { e: values(3) } }, 72],
    [{ a: { b: { c: values(4) } }, d: { e: values(3) }, f: values(3) }, 216],
    // (4 x 6) + (4 x 4 x 4) + (4 x 4 x 4)
    [flat, 152],
    [{ ...flat, source: values(3) }, 114],
    [{ detail: { $or: [{ a: values(2) }, { b: values(3) }] } }, 10],
    [{ key: [{ 'anything-but': values(151) }] }, 1],
  ];

  it('are counted as the SNS developer guide counts them, and are at most 150', () => {
    expect(counts).not.toEqual([]);
    for (const [filter, combinations] of counts) {
      const expected = combinations > 150 ? `filter: must be at most 150 combinations of values, is ${combinations}` : undefined;
      expect(errorOf(filter), JSON.stringify(filter).slice(0, 100)).toBe(expected);
    }
    expect(counts.filter(([, combinations]) => combinations <= 150).length).toBeGreaterThan(3);
  });
});

describe('a filter that is valid', () => {
  it('is returned as plain values, also where a key has the name of a field that is read as text', () => {
    const given = { body: textAsJson('["x",{"prefix":"y"}]'), nested: { attributes: textAsJson('{"__proto__":["z"]}') } };
    expect(JSON.stringify(validateFilter(given, 'body'))).toBe(
      '{"body":["x",{"prefix":"y"}],"nested":{"attributes":{"__proto__":["z"]}}}',
    );
  });
});
