/** Mutants of deduplication by key. */
import type { Mutant } from './mutant.ts';

export const keys: readonly Mutant[] = [
  {
    name: 'a dedup key is free as soon as its message is acked, even within its window',
    file: 'engine/model/dedup-row.ts',
    find: 'windowSeconds * 1000) > now;',
    replace: 'windowSeconds * 1000) > now + 1e12;',
  },
  {
    name: 'a dedup key is free while its message is leased',
    file: 'engine/publish/dedup-key.ts',
    find: 'if (!lease || !slot || !isLive(slot)) return ended;',
    replace: 'if (!lease || !slot || !isLive(slot) || slot.token !== undefined) return ended;',
  },
  {
    name: 'a purge does not free dedup keys',
    file: 'engine/publish/dedup-key.ts',
    find: 'if (!keyed || keyed.accepted[0]!.at < queue.purgedBefore)',
    replace: 'if (!keyed)',
  },
  {
    name: 'a publish under a dedup key does not recognize its own row',
    file: 'engine/model/dedup-row.ts',
    find: "if (keyed.accepted.some(({ by }) => versions.has(by))) return 'yes';",
    replace: '',
    tests: ['test/engine/dedup-races.test.ts'],
  },
  {
    name: 'a publish with an unknown outcome takes the dedup key again',
    file: 'engine/publish/dedup-key.ts',
    find: "acceptance === 'unknown' || (attempt.maybeApplied",
    replace: '(attempt.maybeApplied',
    tests: ['test/engine/dedup-races.test.ts'],
  },
  {
    name: 'a publish that paused for hours takes another message under the key for its own',
    file: 'engine/publish/dedup-key.ts',
    find: "attempt.applied ? 'yes' : wasAccepted(",
    replace: 'wasAccepted(',
    tests: ['test/engine/dedup-races.test.ts'],
  },
  {
    name: 'the window of a dedup key is a thousandth of the setting',
    file: 'engine/model/dedup-row.ts',
    find: 'undefined : now + windowSeconds * 1000',
    replace: 'undefined : now + windowSeconds',
  },
  {
    name: 'a publish under a taken key changes nothing, even in the mode replace',
    file: 'engine/publish/dedup-key.ts',
    find: "if (mode === 'ignore') return { done: undefined };",
    replace: 'return { done: undefined };',
  },
  {
    name: 'a publish under a taken key replaces the message, even in the mode ignore',
    file: 'engine/publish/dedup-key.ts',
    find: "if (mode === 'ignore') return { done: undefined };",
    replace: '',
  },
  {
    name: 'a debounced message gets the new body and keeps the old time',
    file: 'engine/publish/dedup-key.ts',
    find: "...(mode === 'debounce' ? { timing: pending.timing } : {}),",
    replace: '',
    tests: ['test/engine/dedup-replace.test.ts'],
  },
  {
    name: 'an ack frees the dedup key before its window is over',
    file: 'engine/model/dedup-row.ts',
    find: 'freeAt === undefined ? undefined : { freeAt, accepted: [] }',
    replace: 'undefined',
    tests: ['test/engine/dedup.test.ts'],
  },
  {
    name: 'a message that leaves its queue takes the row of its dedup key with it',
    file: 'engine/lifecycle/moves.ts',
    find: "(lease.kind === 'keyed' && incarnationOf(lease.shard) !== target.incarnation)",
    replace: 'false',
    tests: ['test/engine/dedup.test.ts'],
  },
  {
    name: 'a message that replaces another under its key drops the tokens of the earlier ack',
    file: 'engine/publish/dedup-key.ts',
    find: 'ctx.clock.now(), ackedBy(former));',
    replace: 'ctx.clock.now());',
    tests: ['test/engine/dedup.test.ts'],
  },
];
