/** Mutants of what limits a queue: permits that are not had, not kept, or not given back. */
import type { Mutant } from './mutant.ts';

export const limits: readonly Mutant[] = [
  {
    name: 'permits are taken whatever another has taken meanwhile',
    file: 'engine/permit-writes.ts',
    find: '        seen = await replace(ctx, seen, permitsRow(id, version, permits, now));\n        if (seen',
    replace:
      "        seen = await writeLease(ctx, id, { not: { equals: [['id'], ''] } }, { put: permitsRow(id, version, permits, now) }, seen.readAt);\n        if (seen",
  },
  {
    name: 'a queue gives one message more than it has permits',
    file: 'engine/permits.ts',
    find: 'concurrency - outAt({ held: counting }, now);',
    replace: 'concurrency + 1 - outAt({ held: counting }, now);',
  },
  {
    name: 'a permit ends before its lease',
    file: 'engine/permit-writes.ts',
    find: '  return leaseEndMax + 2 * clockMarginMs;',
    replace: '  return leaseEndMax - readToWriteMsMax - 2 * clockMarginMs;',
  },
  {
    name: 'an extension is not told to the permit',
    file: 'engine/permits.ts',
    find: '    permits.held[token].apart[mark] = until;\n',
    replace: '',
  },
  {
    name: 'a lease that ran out is extended though no permit is free',
    file: 'engine/permits.ts',
    find: 'if (end <= now && outAt(permits, now) >= concurrency) return true;',
    replace: 'if (end < 0 && outAt(permits, now) >= concurrency) return true;',
    tests: ['test/engine/limits.test.ts'],
  },
  {
    name: 'what a process that stood still claimed is delivered beyond its permit',
    file: 'engine/deliveries.ts',
    find: 'return limiter === undefined || slots.every(',
    replace: 'return limiter === undefined || slots.some(() => true) || slots.every(',
    tests: ['test/engine/limits.test.ts'],
  },
  {
    name: 'the permits of what is acked are not given back',
    file: 'engine/operations/ack.ts',
    find: '  await returnPermits(ctx, queueName, receipts, answer.results);\n',
    replace: '  if (answer.results.length > 100) await returnPermits(ctx, queueName, receipts, answer.results);\n',
  },
  {
    name: 'permits given back twice bring their version back',
    file: 'engine/permits.ts',
    find: '    { not: { equals: [placeOf(one), 0] } },\n',
    replace: '',
    tests: ['test/engine/late-copies.test.ts'],
  },
  {
    name: 'permits are given back where they stand anew for another message',
    file: 'engine/permits.ts',
    find: "    { any: [{ exists: placeOf(one) }, { not: { equals: [['held', one.token, 'u'], 0] } }] },\n",
    replace: '',
    tests: ['test/engine/late-copies.test.ts'],
  },
  {
    name: 'permits that were not used are not given back',
    file: 'engine/permit-writes.ts',
    find: 'if (!last || delivered >= last.grant.count) return;',
    replace: 'if (!last || delivered > 0 || delivered >= last.grant.count) return;',
    tests: ['test/engine/limits.test.ts'],
  },
  {
    name: 'a permit that nobody gives back never ends',
    file: 'engine/permits.ts',
    find: '  until > now ? Math.max(0, count - Object.keys(apart).length) : 0;',
    replace: '  until > 0 ? Math.max(0, count - Object.keys(apart).length) : 0;',
  },
  {
    name: 'what is given back once counts twice',
    file: 'engine/permits.ts',
    find: 'Math.max(0, count - Object.keys(apart).length)',
    replace: 'Math.max(0, count - 2 * Object.keys(apart).length)',
    tests: ['test/unit/permits.test.ts', 'test/engine/limits.test.ts'],
  },
  {
    name: 'the rate forgets what was taken',
    file: 'engine/permits.ts',
    find: 'const after = bucket && { ...bucket.flow, taken: bucket.flow.taken + count };',
    replace: 'const after = bucket && { ...bucket.flow, taken: bucket.flow.taken + Math.min(count, 1) };',
  },
  {
    name: 'the rate is given back though another has taken since',
    file: 'engine/permits.ts',
    find: 'flow.since === grant.flow?.since && flow.taken === grant.flow.taken;',
    replace: 'flow.since === grant.flow?.since;',
    tests: ['test/unit/permits.test.ts'],
  },
];
