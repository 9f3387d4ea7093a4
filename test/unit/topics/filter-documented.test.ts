/** The examples of the SNS developer guide: https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html */
import { describe, expect, it } from 'vitest';
import type { Attributes, Filter, FilterScope, Json } from '../../../contract/contract.ts';
import { jsonText } from '../../../contract/json-text.ts';
import { validateFilter } from '../../../engine/topics/filter-limits.ts';
import { candidateMessage, compileMatcher } from '../../../engine/topics/matching.ts';

interface Case {
  filter: Filter;
  /** Each is tried as attributes and as a body. */
  both?: { matching?: Attributes[]; others?: Attributes[] };
  attributes?: { matching?: Attributes[]; others?: Attributes[] };
  bodies?: { matching?: Json[]; others?: Json[] };
}

const interests = (...conditions: Filter[string] & unknown[]) => ({ customer_interests: conditions }) as Filter;
const sports = (...names: string[]) => names.map((name) => ({ customer_interests: name }));
const addresses = (...given: string[]) => given.map((source_ip) => ({ source_ip }));

const stringValues: Case[] = [
  {
    filter: interests('rugby', 'tennis'),
    both: { matching: sports('rugby', 'tennis'), others: [...sports('baseball', 'Rugby'), { other: 'rugby' }] },
    bodies: { matching: [{ customer_interests: ['baseball', 'tennis'] }], others: [{ customer_interests: ['baseball'] }] },
  },
  {
    filter: interests({ 'anything-but': ['rugby', 'tennis'] }),
    both: { matching: sports('baseball', 'football'), others: [...sports('rugby'), { other: 'baseball' }] },
    bodies: { matching: [{ customer_interests: ['rugby', 'baseball'] }], others: [{ customer_interests: ['rugby'] }] },
  },
  { filter: interests({ 'anything-but': 'rugby' }), both: { matching: sports('tennis'), others: sports('rugby') } },
  {
    filter: { event: [{ 'anything-but': { prefix: 'order-' } }] },
    both: { matching: [{ event: 'data-entry' }, { event: 'order_number' }], others: [{ event: 'order-cancelled' }] },
  },
  {
    filter: interests({ 'anything-but': { suffix: 'ball' } }),
    both: { matching: sports('rugby', 'tennis'), others: sports('baseball', 'basketball') },
  },
  {
    filter: interests({ 'anything-but': { wildcard: '*ball' } }),
    both: { matching: sports('hockey', 'rugby'), others: sports('baseball', 'basketball') },
  },
  {
    filter: interests({ 'anything-but': { 'equals-ignore-case': ['tennis', 'rugby'] } }),
    both: { matching: sports('hockey'), others: sports('TENNIS', 'Rugby') },
  },
  {
    filter: interests({ 'equals-ignore-case': 'tennis' }),
    both: { matching: sports('TENNIS', 'Tennis', 'tennis'), others: sports('tennis ', 'rugby') },
  },
  {
    filter: { source_ip: [{ cidr: '10.0.0.0/24' }] },
    both: { matching: addresses('10.0.0.0', '10.0.0.255'), others: addresses('10.1.1.0', 'ten', '::1', '10.0.0') },
  },
  {
    filter: { source_ip: [{ cidr: '2001:db8::/32' }] },
    both: { matching: addresses('2001:db8::', '2001:DB8:1::2'), others: addresses('2001:db9::', '10.0.0.1', '::ffff:10.0.0.1') },
  },
  { filter: interests({ prefix: 'bas' }), both: { matching: sports('baseball', 'basketball'), others: sports('rugby', 'Bas') } },
  { filter: interests({ suffix: 'ball' }), both: { matching: sports('baseball', 'basketball'), others: sports('rugby') } },
  {
    filter: interests({ wildcard: '*ball' }),
    both: { matching: sports('baseball', 'ball'), others: sports('rugby', 'balls') },
  },
  {
    filter: interests({ wildcard: 'b*b*l' }),
    both: { matching: sports('baseball', 'basketball', 'bbl'), others: sports('bl', 'rugby', 'bal') },
  },
];

const prices = (...given: number[]) => given.map((price) => ({ price }));
const numericValues: Case[] = [
  { filter: { price: [{ numeric: ['=', 301.5] }] }, both: { matching: prices(301.5, 3.015e2), others: prices(301) } },
  {
    filter: { price: [{ 'anything-but': [100, 500] }] },
    both: { matching: prices(101, 100.1), others: prices(100) },
    bodies: { matching: [{ price: [100, 50] }], others: [{ price: [100, 500] }] },
  },
  { filter: { price: [{ numeric: ['<', 0] }] }, both: { matching: prices(-1, -0.00001), others: prices(0, 1) } },
  { filter: { price: [{ numeric: ['>', 0, '<=', 150] }] }, both: { matching: prices(0.1, 150), others: prices(0, 150.1, -1) } },
  { filter: { price: [{ numeric: ['>=', 1, '<', 2] }] }, both: { matching: prices(1, 1.9), others: prices(0.9, 2) } },
  { filter: { price: [100] }, both: { matching: prices(100, 1e2), others: [...prices(101), { price: '100' }] } },
  { filter: { price: [{ numeric: ['>', 0] }] }, both: { others: [{ price: '5' }] } },
];

const keys: Case[] = [
  {
    filter: { store: [{ exists: true }] },
    both: { matching: [{ store: 'fans' }, { store: 0 }], others: [{ other: 'fans' }, { store: '' }] },
    bodies: { matching: [{ store: ['', 'fans'] }], others: [{ store: null }, { store: [] }, { store: { fans: 1 } }] },
  },
  {
    filter: { store: [{ exists: false }] },
    both: { matching: [{ other: 'fans' }], others: [{ store: 'fans' }, { store: '' }] },
    attributes: { others: [{}] },
    bodies: { matching: [{}, { store: [] }, { store: { fans: 1 } }], others: [{ store: null }, { store: ['fans'] }] },
  },
  {
    filter: { store: [{ exists: false }, { 'anything-but': 'fans' }] },
    both: { matching: [{ other: 1 }, { store: 'shop' }], others: [{ store: 'fans' }] },
  },
];

const metric = { source: ['aws.cloudwatch'], $or: [{ metricName: ['CPUUtilization'] }, { namespace: ['AWS/EC2'] }] };
const logic: Case[] = [
  {
    filter: { customer_interests: ['rugby'], price: [{ numeric: ['>', 100] }] },
    both: {
      matching: [{ customer_interests: 'rugby', price: 101 }],
      others: [{ customer_interests: 'rugby', price: 100 }, { price: 101 }],
    },
  },
  {
    filter: metric,
    both: {
      matching: [
        { source: 'aws.cloudwatch', metricName: 'CPUUtilization' },
        { source: 'aws.cloudwatch', namespace: 'AWS/EC2' },
      ],
      others: [{ source: 'aws.cloudwatch', metricName: 'ReadLatency' }, { namespace: 'AWS/EC2' }],
    },
  },
  {
    filter: {
      source: ['aws.cloudwatch'],
      $or: [
        { metricName: ['CPUUtilization'] },
        { metricType: ['MetricType'], namespace: ['AWS/EC2'], $or: [{ metricId: [1234] }, { spaceId: [1000] }] },
        { scope: ['Service'] },
      ],
    },
    both: {
      matching: [
        { source: 'aws.cloudwatch', scope: 'Service' },
        { source: 'aws.cloudwatch', metricType: 'MetricType', namespace: 'AWS/EC2', spaceId: 1000 },
      ],
      others: [
        { source: 'aws.cloudwatch', metricType: 'MetricType', namespace: 'AWS/EC2', spaceId: 1001 },
        { source: 'aws.cloudwatch', metricType: 'MetricType', metricId: 1234 },
      ],
    },
  },
  {
    // Fewer than two alternatives, or one named as an operator: `$or` is a key like any other.
    filter: { $or: [{ prefix: 'a' }, { suffix: 'b' }] },
    bodies: { matching: [{ $or: 'ax' }, { $or: 'xb' }], others: [{ $or: 'x' }, {}] },
  },
  { filter: { $or: ['x'] }, bodies: { matching: [{ $or: 'x' }], others: [{ x: 'x' }] } },
];

const employees = [
  { firstName: 'John', lastName: 'Doe' },
  { firstName: 'Anna', lastName: 'Smith' },
  { firstName: 'Peter', lastName: 'Jones' },
];
const bodiesOnly: Case[] = [
  {
    filter: { object: { key: [{ prefix: 'auto-' }, 'fixed'], nested_key: [{ exists: false }] }, test: [{ exists: false }] },
    bodies: {
      matching: [{ object: { key: 'auto-test' } }, { object: { key: 'fixed' } }],
      others: [
        { object: { key: 'test-auto' } },
        { object: { key: 'auto-test' }, test: 'just-exists' },
        { object: { key: 'auto-test', nested_key: 'just-exists' } },
        { object: { test: 'auto-test' } },
        'a text',
        ['auto-test'],
        null,
      ],
    },
  },
  {
    filter: { Records: { s3: { object: { key: [{ prefix: 'auto-' }] } }, eventName: [{ prefix: 'ObjectCreated:' }] } },
    bodies: {
      matching: [
        { Records: [{ eventName: 'ObjectCreated:Put', s3: { object: { key: 'auto-1' } } }] },
        { Records: [{ eventName: 'ObjectRemoved' }, { eventName: 'ObjectCreated:Put', s3: { object: [[{ key: 'auto-1' }]] } }] },
      ],
      others: [
        { Records: [{ eventName: 'ObjectRemoved:Delete', s3: { object: { key: 'auto-1' } } }] },
        { Records: [{ eventName: 'ObjectCreated:Put' }, { s3: { object: { key: 'auto-1' } } }] },
      ],
    },
  },
  // Lists as in https://github.com/aws/event-ruler#json-array-matching
  { filter: { employees: { firstName: ['Anna'] } }, bodies: { matching: [{ employees }, { employees: [employees, []] }] } },
  { filter: { employees: { firstName: ['Anna'], lastName: ['Jones'] } }, bodies: { others: [{ employees }] } },
  {
    filter: { flag: [true, null] },
    bodies: { matching: [{ flag: true }, { flag: null }], others: [{ flag: false }, { flag: 'true' }, {}] },
  },
  { filter: {}, bodies: { matching: [{}, { a: 1 }, 'a text'] }, attributes: { matching: [{}, { a: 1 }] } },
];

const tables = {
  'string values': stringValues,
  'numeric values': numericValues,
  keys,
  'AND and OR logic': logic,
  bodies: bodiesOnly,
};

const check = (scope: FilterScope, filter: Filter, given: Json, expected: boolean) => {
  const matcher = compileMatcher({ subject: null, filter: validateFilter(filter, scope), filterScope: scope });
  const message = candidateMessage({ [scope === 'body' ? 'body' : 'attributes']: jsonText(JSON.stringify(given)) });
  const title = `${scope}: ${JSON.stringify(filter)} ${JSON.stringify(given)}`;
  expect(matcher.matches(message), title).toBe(expected);
  expect(matcher.explain(message).matches, title).toBe(expected);
};

describe('a filter matches as the SNS developer guide says', () => {
  it.each(Object.entries(tables))('%s', (_, cases) => {
    expect(cases).not.toEqual([]);
    for (const { filter, both = {}, attributes = {}, bodies = {} } of cases) {
      for (const given of [...(both.matching ?? []), ...(attributes.matching ?? [])]) check('attributes', filter, given, true);
      for (const given of [...(both.others ?? []), ...(attributes.others ?? [])]) check('attributes', filter, given, false);
      for (const given of [...(both.matching ?? []), ...(bodies.matching ?? [])]) check('body', filter, given, true);
      for (const given of [...(both.others ?? []), ...(bodies.others ?? [])]) check('body', filter, given, false);
    }
  });
});
