import { describe, expect, it, vi } from 'vitest';
import type { Filter, FilterScope, MatchResult, TestedMessage } from '../../../contract/contract.ts';
import { textAsJson } from '../../../contract/json-text.ts';
import { candidateMessage, compileMatcher, type MatchingTerms } from '../../../engine/topics/matching.ts';

const terms = (filter: Filter | null, filterScope: FilterScope = 'body', subject: string | null = null): MatchingTerms => ({
  subject,
  filter,
  filterScope,
});
const explain = (given: MatchingTerms, message: TestedMessage) => compileMatcher(given).explain(candidateMessage(message));

const country = { customer: { country: ['DE', { prefix: 'A' }] } };
const lines = { lines: { sku: ['a'], count: [{ numeric: ['>', 1] }] } };

const failures: [terms: MatchingTerms, message: TestedMessage, failed: NonNullable<MatchResult['failed']>][] = [
  [terms(null, 'body', 'orders.*'), { subject: 'orders' }, { path: 'subject', condition: 'orders.*', value: 'orders' }],
  [terms(country, 'body', 'orders.*'), {}, { path: 'subject', condition: 'orders.*' }],
  [
    terms(country, 'body', 'orders.*'),
    { subject: 'orders.eu', body: { customer: { country: 'FR' } } },
    { path: 'filter.customer.country', condition: ['DE', { prefix: 'A' }], value: 'FR' },
  ],
  [terms(country), { body: { customer: 'x' } }, { path: 'filter.customer.country', condition: ['DE', { prefix: 'A' }] }],
  [terms(country), { body: {} }, { path: 'filter.customer.country', condition: ['DE', { prefix: 'A' }] }],
  [terms(country), { body: 'DE' }, { path: 'filter', condition: country }],
  [terms(country), { bodyBase64: 'eyJjdXN0b21lciI6eyJjb3VudHJ5IjoiREUifX0=' }, { path: 'filter', condition: country }],
  [terms({ a: ['x'] }, 'attributes'), { attributes: { a: 'y' } }, { path: 'filter.a', condition: ['x'], value: 'y' }],
  [terms({ a: ['x'] }, 'attributes'), { attributes: { b: 'y' } }, { path: 'filter.a', condition: ['x'] }],
  [terms({ a: [{ exists: false }] }, 'attributes'), {}, { path: 'filter', condition: { a: [{ exists: false }] } }],
  // No single line meets both conditions; then one condition that none meets.
  [
    terms(lines),
    {
      body: {
        lines: [
          { sku: 'a', count: 1 },
          { sku: 'b', count: 2 },
        ],
      },
    },
    {
      path: 'filter.lines',
      condition: lines.lines,
      value: [
        { sku: 'a', count: 1 },
        { sku: 'b', count: 2 },
      ],
    },
  ],
  [
    terms(lines),
    { body: { lines: [{ sku: 'c' }, { sku: ['b'] }] } },
    { path: 'filter.lines.sku', condition: ['a'], value: ['c', ['b']] },
  ],
  [
    terms({ a: ['x'], $or: [{ b: ['x'] }, { c: ['x'] }] }),
    { body: { a: 'x', b: 'y' } },
    { path: 'filter.$or', condition: [{ b: ['x'] }, { c: ['x'] }] },
  ],
];

describe('a subscription that does not match a message', () => {
  it('says which condition failed, and on what value', () => {
    expect(failures).not.toEqual([]);
    for (const [given, message, failed] of failures) {
      expect(explain(given, message), JSON.stringify([given, message])).toEqual({ matches: false, failed });
    }
  });
});

describe('a subscription that matches a message', () => {
  it('says so without more', () => {
    expect(explain(terms(country, 'body', 'orders.>'), { subject: 'orders.eu', body: { customer: { country: 'AT' } } })).toEqual({
      matches: true,
    });
  });

  it('without a subject and a filter matches any message, and does not parse it', () => {
    const parse = vi.spyOn(JSON, 'parse');
    const message = candidateMessage({ body: textAsJson('{"a":1}') as never, attributes: textAsJson('{"b":1}') as never });
    expect(compileMatcher(terms(null)).matches(message)).toBe(true);
    expect(parse).not.toHaveBeenCalled();
    parse.mockRestore();
  });

  it('shares the parsed message with all other subscriptions', () => {
    const parse = vi.spyOn(JSON, 'parse');
    const message = candidateMessage({ body: textAsJson('{"a":1}') as never, attributes: textAsJson('{"b":1}') as never });
    const matchers = [terms({ a: [1] }), terms({ a: [2] }), terms({ b: [1] }, 'attributes'), terms({ b: [2] }, 'attributes')];
    expect(matchers.map((given) => compileMatcher(given).matches(message))).toEqual([true, false, true, false]);
    expect(parse).toHaveBeenCalledTimes(2);
    parse.mockRestore();
  });

  it('keeps its subject apart from its filter: both must match', () => {
    const matcher = compileMatcher(terms({ a: ['x'] }, 'attributes', 'orders.*'));
    const cases: [TestedMessage, boolean][] = [
      [{ subject: 'orders.eu', attributes: { a: 'x' } }, true],
      [{ subject: 'orders', attributes: { a: 'x' } }, false],
      [{ subject: 'orders.eu', attributes: { a: 'y' } }, false],
    ];
    for (const [message, expected] of cases) expect(matcher.matches(candidateMessage(message))).toBe(expected);
  });
});
