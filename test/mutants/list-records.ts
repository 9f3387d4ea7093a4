/** Mutants of groups, changes by id, priority and pauses. */
import type { Mutant } from './mutant.ts';

export const records: readonly Mutant[] = [
  {
    name: 'a group delivers messages behind one that is not ready',
    file: 'engine/model/group-row.ts',
    find: 'if (!ready.includes(index)) break;',
    replace: 'if (!ready.includes(index)) continue;',
    tests: ['test/engine/groups.test.ts'],
  },
  {
    name: 'a group is due while a message of it is leased',
    file: 'engine/model/group-row.ts',
    find: '...live.filter(({ token }) => token !== undefined).map(end),',
    replace: '',
    tests: ['test/engine/groups.test.ts'],
  },
  {
    name: 'a group with more messages goes idle after a parcel is acked',
    file: 'engine/model/group-row.ts',
    find: 'const waits = group.tail > group.head ||',
    replace: 'const waits = false ||',
  },
  {
    name: 'a group loads its latest parcel again',
    file: 'engine/lifecycle/group-parcels.ts',
    find: 'if (one.id > group.head) {',
    replace: 'if (one.id >= group.head) {',
  },
  {
    name: 'a group delivers a message that was cancelled before its parcel was loaded',
    file: 'engine/lifecycle/group-parcels.ts',
    find: "cancelled.includes(slotName(parcel.id, index)) ? { ...slot, end: 'cancelled' } : slot,",
    replace: 'slot,',
  },
  {
    name: "the row of a group's parcel is not removed after it is loaded",
    file: 'engine/receive/claim-rounds.ts',
    find: 'if (overridden) removals.push(overridden);',
    replace: '',
  },
  {
    name: 'a publish does not wake an idle group',
    file: 'engine/publish/groups.ts',
    find: "[['expiry'], Math.max(now,",
    replace: "[['expiry'], Math.max(now + 1e12,",
  },
  {
    name: 'a publish to a group may sort before the loaded parcel',
    file: 'engine/publish/groups.ts',
    find: "when: { all: [{ exists: ['expiry'] }, follows] }",
    replace: "when: { exists: ['expiry'] }",
    tests: ['test/engine/groups.test.ts'],
  },
  {
    name: 'a cancelled message may still be acked',
    file: 'engine/operations/cancel-message.ts',
    find: "return { ...rest, end: 'cancelled', ...(token === undefined ? {} : { heldBy: token }) };",
    replace: "return { ...rest, ...(token === undefined ? {} : { token }), end: 'cancelled' };",
    tests: ['test/engine/by-id.test.ts'],
  },
  {
    name: 'a message that is cancelled in a parcel is only hidden',
    file: 'engine/operations/cancel-message.ts',
    find: "index === slot ? { ...cancelled(one), ...keptAs(queue, 'cancelled', now) } : one,",
    replace: 'index === slot ? { ...one, visibleAt: one.visibleAt + 60_000 } : one,',
  },
  {
    name: 'a postponed message keeps its former time',
    file: 'engine/messages/edit-waiting.ts',
    find: 'visibleAt: visibleAt ?? former.visibleAt',
    replace: 'visibleAt: former.visibleAt',
  },
  {
    name: 'an edit keeps the old body',
    file: 'engine/operations/messages.ts',
    find: '...(content ?? body)',
    replace: '...body',
  },
  {
    name: 'a paused queue delivers messages',
    file: 'engine/operations/receive.ts',
    find: 'queue.paused ? []',
    replace: 'queue.paused && max > 100 ? []',
    tests: ['test/engine/priority.test.ts'],
  },
  {
    name: 'a receive visits only the highest level of priority',
    file: 'engine/receive/visit-shards.ts',
    find: 'Array.from({ length: levelsVisited }, (_, index) => levelsVisited - 1 - index);',
    replace: 'Array.from({ length: 1 }, (_, index) => levelsVisited - 1 - index);',
  },
  {
    name: 'a group returns to its first parcel',
    file: 'engine/lifecycle/group-parcels.ts',
    find: 'failedLeave: ___, nextId: ____, cancelled',
    replace: 'failedLeave: ___, cancelled',
    tests: ['test/engine/group-rounds.test.ts'],
  },
];
