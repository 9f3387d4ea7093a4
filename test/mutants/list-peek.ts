/** Mutants of peek and its filters. */
import type { Mutant } from './mutant.ts';

const tests = ['test/engine/peek-filters.test.ts'];

export const peeks: readonly Mutant[] = [
  {
    name: 'a peek by time misses the first instant of a group',
    file: 'engine/messages/filter.ts',
    find: "waitingFrom: from === undefined ? '' : idFrom(since - clockMarginMs),",
    replace: "waitingFrom: from === undefined ? '' : idFrom(since + 1),",
    tests,
  },
  {
    name: 'a peek by time misses the last instant before its end',
    file: 'engine/messages/filter.ts',
    find: ': idFrom(before);',
    replace: ': idFrom(before - 1);',
    tests,
  },
  {
    name: 'a peek by priority shows messages of another one',
    file: 'engine/messages/filter.ts',
    find: '(priority === undefined || (message.priority ?? 0) === priority) &&',
    replace: '',
    tests,
  },
  {
    name: 'a peek by a key misses the messages of groups',
    file: 'engine/messages/filter.ts',
    find: 'marker?.marks ?? tombstone?.marks ?? []',
    replace: 'marker?.marks ?? []',
    tests,
  },
  {
    name: 'a page within a group begins again at the head of the group',
    file: 'engine/messages/walk.ts',
    find: 'after: { ...start, waiting: after, skip: 0 }',
    replace: 'after: { ...start, skip: 0 }',
    tests,
  },
  {
    name: 'a peek that filters by content reads bodies without a bound',
    file: 'engine/messages/walk.ts',
    find: 'if (budget.bytes <= 0) return true;',
    replace: '',
    tests,
  },
  {
    name: 'a peek by a whole id shows a message that is in another queue now',
    file: 'engine/operations/peek.ts',
    find: "('parcel' in found || incarnationOf(found.lease.shard) === queue.incarnation)",
    replace: 'true',
    tests,
  },
  {
    name: 'a redrive moves all messages of a row of which one fits its filter',
    file: 'engine/redrive/move-row.ts',
    find: 'const wanted = movable.filter((slot) => selected.includes(slot));',
    replace: 'const wanted = selected.length > 0 ? movable : [];',
    tests: ['test/engine/redrive.test.ts'],
  },
  {
    name: 'a redrive takes a parcel apart of which no message fits its filter',
    file: 'engine/redrive/move-row.ts',
    find: 'task.toQueue !== null && (!filter || (await selectedOf(ctx, messages(), { filter })).length > 0)',
    replace: 'task.toQueue !== null',
    tests: ['test/engine/redrive.test.ts'],
  },
];
