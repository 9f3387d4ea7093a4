/**
 * Measures how long it takes to decide which subscriptions of a topic a message matches, by filters of five keys. One process, no store.
 * `node bench/filters.ts [--subscriptions N]`
 */
import { parseArgs } from 'node:util';
import type { Filter, Json, TestedMessage } from '../contract/contract.ts';
import { textAsJson } from '../contract/json-text.ts';
import { validateFilter } from '../engine/topics/filter-limits.ts';
import { candidateMessage, compileMatcher, type MatchingTerms } from '../engine/topics/matching.ts';
import { table } from './table.ts';

const { values } = parseArgs({ options: { subscriptions: { type: 'string', default: '1000' } } });
const subscriptions = Number(values.subscriptions);
const messagesPerPublish = 100;
const rounds = 5;

/** A message passes the first four keys, and the last one for one subscription of ten. */
const attributesFilter = (index: number): Filter => ({
  kind: ['order', { prefix: 'invoice-' }, { 'anything-but': ['order', 'refund'] }],
  country: [{ 'equals-ignore-case': 'de' }, { suffix: '-EU' }],
  price: [{ numeric: ['>', 10, '<=', 1000] }, { exists: false }],
  file: [{ wildcard: 'in/*/2026/*.json' }, { cidr: '10.0.0.0/8' }],
  tenant: [`t${index % 10}`],
});
const bodyFilter = (index: number): Filter => {
  const { kind, country, price, tenant } = attributesFilter(index) as Record<string, Filter[string]>;
  const file = [{ wildcard: 'in/*/2026/*.json' }];
  return { kind: kind!, customer: { country: country! }, lines: { price: price! }, source: { file }, tenant: tenant! };
};

const attributes = { kind: 'order', country: 'DE', price: 20, file: 'in/berlin/2026/a.json', tenant: 't0' };
const body = {
  kind: 'order',
  customer: { name: 'Anna', country: 'DE' },
  lines: [{ price: 5 }, { price: 20 }],
  source: { file: 'in/berlin/2026/a.json' },
  tenant: 't0',
};

const asJson = (value: Json) => textAsJson(JSON.stringify(value)) as unknown as Json;
const message: TestedMessage = { body: asJson(body), attributes: asJson(attributes) as never };
/** About the size of an S3 event with many records. */
const largeMessage: TestedMessage = {
  body: asJson({ ...body, padding: Array.from({ length: 400 }, (_, n) => ({ n, text: 'x'.repeat(200) })) }),
};

interface Case {
  what: string;
  terms: (index: number) => MatchingTerms;
  message: TestedMessage;
}
const cases: Case[] = [
  {
    what: 'subject only',
    terms: (index) => ({ subject: `orders.*.${index % 10}`, filter: null, filterScope: 'attributes' }),
    message: { ...message, subject: 'orders.eu.0' },
  },
  {
    what: 'filter of 5 keys, attributes',
    terms: (index) => ({ subject: null, filter: attributesFilter(index), filterScope: 'attributes' }),
    message,
  },
  {
    what: 'filter of 5 keys, body of 150 bytes',
    terms: (index) => ({ subject: null, filter: bodyFilter(index), filterScope: 'body' }),
    message,
  },
  {
    what: 'filter of 5 keys, body of 90 KB',
    terms: (index) => ({ subject: null, filter: bodyFilter(index), filterScope: 'body' }),
    message: largeMessage,
  },
];

function microsecondsOf(work: () => void): number {
  const times = Array.from({ length: rounds }, () => {
    const startedAt = performance.now();
    work();
    return performance.now() - startedAt;
  });
  return Math.min(...times) * 1000;
}

const rows = cases.map(({ what, terms, message: published }) => {
  const given = Array.from({ length: subscriptions }, (_, index) => terms(index));
  for (const { filter, filterScope } of given) if (filter !== null) validateFilter(filter, filterScope);
  const compiling = microsecondsOf(() => given.forEach((one) => void compileMatcher(one)));
  const matchers = given.map(compileMatcher);
  let matched = 0;
  const publish = () => {
    matched = 0;
    for (let count = 0; count < messagesPerPublish; count++) {
      const candidate = candidateMessage(published);
      for (const matcher of matchers) if (matcher.matches(candidate)) matched++;
    }
  };
  const matching = microsecondsOf(publish);
  const decisions = subscriptions * messagesPerPublish;
  return [
    what,
    `${((100 * matched) / decisions).toFixed(0)} %`,
    (matching / decisions).toFixed(2),
    (matching / 1000).toFixed(0),
    (compiling / subscriptions).toFixed(1),
  ];
});
console.log(`${subscriptions} subscriptions, publishes of ${messagesPerPublish} messages, best of ${rounds}`);
console.log(table(['', 'matched', 'µs a message and subscription', 'ms a publish', 'µs to compile one'], rows));
