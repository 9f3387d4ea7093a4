/** Mutants of deduplication by key. */
import type { Mutant } from './mutant.ts';

export const keys: readonly Mutant[] = [
  {
    name: 'a key is free as soon as its message is done, window or not',
    file: 'engine/model/dedup-row.ts',
    find: 'windowSeconds * 1000) > now;',
    replace: 'windowSeconds * 1000) > now + 1e12;',
  },
  {
    name: 'a key is free while its message is leased',
    file: 'engine/publish/dedup-key.ts',
    find: 'if (!lease || !slot || !isLive(slot)) return ended;',
    replace: 'if (!lease || !slot || !isLive(slot) || slot.token !== undefined) return ended;',
  },
  {
    name: 'a purge leaves keys taken',
    file: 'engine/publish/dedup-key.ts',
    find: 'if (!keyed || keyed.accepted[0]!.at < queue.purgedBefore)',
    replace: 'if (!keyed)',
  },
  {
    name: 'a publish under a key does not know its own row',
    file: 'engine/model/dedup-row.ts',
    find: "if (keyed.accepted.some(({ by }) => versions.has(by))) return 'yes';",
    replace: '',
  },
  {
    name: 'who cannot say whether he was accepted takes the key again',
    file: 'engine/publish/dedup-key.ts',
    find: "was === 'unknown' || (attempt.maybeApplied",
    replace: '(attempt.maybeApplied',
    tests: ['test/engine/dedup.test.ts'],
  },
  {
    name: 'who stood still for hours takes the message that is there for his',
    file: 'engine/publish/dedup-key.ts',
    find: "attempt.applied ? 'yes' : wasAccepted(",
    replace: 'wasAccepted(',
    tests: ['test/engine/dedup.test.ts'],
  },
  {
    name: 'the window of a key is a thousandth of what the queue says',
    file: 'engine/model/dedup-row.ts',
    find: '{ freeAt: now + windowSeconds * 1000 }',
    replace: '{ freeAt: now + windowSeconds }',
  },
  {
    name: 'a publish that finds its key taken changes nothing, though the queue says so',
    file: 'engine/publish/dedup-key.ts',
    find: "if (mode === 'ignore') return { done: duplicate };",
    replace: 'return { done: duplicate };',
  },
  {
    name: 'a publish changes what waits under its key, though the queue does not say so',
    file: 'engine/publish/dedup-key.ts',
    find: "if (mode === 'ignore') return { done: duplicate };",
    replace: '',
  },
  {
    name: 'debounce gives the new body and the old time',
    file: 'engine/publish/dedup-key.ts',
    find: "...(mode === 'debounce' ? { timing: pending.timing } : {}),",
    replace: '',
  },
  {
    name: 'an ack gives the key up before its window is over',
    file: 'engine/model/dedup-row.ts',
    find: 'freeAt === undefined ? undefined : { freeAt, accepted: [] }',
    replace: 'undefined',
    tests: ['test/engine/dedup.test.ts'],
  },
  {
    name: "a message that leaves its queue takes its key's row along",
    file: 'engine/lifecycle/moves.ts',
    find: '(lease.keyed && incarnationOf(lease.shard) !== target.incarnation)',
    replace: 'undefined',
    tests: ['test/engine/dedup.test.ts'],
  },
  {
    name: 'what displaces a message under its key forgets who acked it',
    file: 'engine/publish/dedup-key.ts',
    find: 'ctx.clock.now(), ackedBy(former));',
    replace: 'ctx.clock.now());',
    tests: ['test/engine/dedup.test.ts'],
  },
];
