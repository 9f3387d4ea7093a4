/** Mutants of the sweep: which queues it skips, what wakes them, and when it stops. */
import type { Mutant } from './mutant.ts';

const tests = ['test/engine/sleep.test.ts'];

export const sleep: readonly Mutant[] = [
  {
    name: 'a write to a sleeping queue does not wake it',
    file: 'engine/queues/awake-store.ts',
    find: 'if (queues.size === 0) return options;',
    replace: 'if (queues.size >= 0) return options;',
  },
  {
    name: 'a queue falls asleep while writes to it may arrive',
    file: 'engine/queues/sleep.ts',
    find: 'asOf <= queue.awakeUntil + arrivedMs',
    replace: 'asOf <= queue.awakeUntil',
    tests,
  },
  {
    name: 'a queue with transactions falls asleep',
    file: 'engine/queues/sleep.ts',
    find: 'queue.hasTransactions || ',
    replace: '',
    tests,
  },
  {
    name: 'a queue stays asleep when one of its rows is due',
    file: 'engine/queues/sleep.ts',
    find: 'asleepUntil: due, version',
    replace: 'asleepUntil: forever, version',
    tests,
  },
  {
    name: 'a queue falls asleep in spite of a concurrent wake-up',
    file: 'engine/queues/sleep.ts',
    find: "const when = { equals: [['version'], queue.version] } as const;",
    replace: "const when = { exists: ['version'] } as const;",
    tests,
  },
  {
    name: 'a change of settings does not wake a queue',
    file: 'engine/queues/change-queue.ts',
    find: '...awakened(changed, ctx.clock.now()), version',
    replace: '...changed, version',
    tests,
  },
  {
    name: 'a sweep visits all shards of a queue after its time is over',
    file: 'engine/sweep/sweep-queue.ts',
    find: 'sideBySide(partitions, partitionsAtOnce, deadline.isOver, async',
    replace: 'sideBySide(partitions, partitionsAtOnce, () => false, async',
    tests: ['test/engine/sweep.test.ts'],
  },
  {
    name: 'an incomplete sweep retires the shards of a queue',
    file: 'engine/sweep/sweep-queue.ts',
    find: 'if (left.length > 0 || deadline.isOver()) return { swept, complete: false };',
    replace: 'if (left.length < 0) return { swept, complete: false };',
    tests: ['test/engine/sweep.test.ts'],
  },
  {
    name: 'a sweep begins with the same queues each time',
    file: 'engine/sweep/sweep.ts',
    find: '.sort((a, b) => visitedAt(a) - visitedAt(b));',
    replace: '.sort((a, b) => visitedAt(b) - visitedAt(a));',
    tests: ['test/engine/sweep.test.ts'],
  },
];
