/** Mutants of own ids, dedup keys and delays in groups. */
import type { Mutant } from './mutant.ts';

const tests = ['test/engine/group-ids.test.ts', 'test/engine/group-delays.test.ts', 'test/engine/group-redrive.test.ts'];

export const groupIds: readonly Mutant[] = [
  {
    name: 'an own id in a group is never taken',
    file: 'engine/publish/markers.ts',
    find: 'return isFree(queue, seen, now) ? undefined : id;',
    replace: 'return isFree(queue, seen, now) ? undefined : undefined;',
    tests,
  },
  {
    name: 'a publish to a group takes an id that was taken after its read',
    file: 'engine/publish/markers.ts',
    find: "const when: Condition = seen.row ? unchanged(seen.row) : { absent: ['id'] };",
    replace: "const when: Condition = seen.row ? { exists: ['id'] } : { any: [{ absent: ['id'] }, { exists: ['id'] }] };",
    tests: ['test/unit/publish/group-markers.test.ts'],
  },
  {
    name: 'a marker stays when its message has ended',
    file: 'engine/leases/markers.ts',
    find: "const isEnding = ({ end }: Slot) => end === 'done' || end === 'expired';",
    replace: "const isEnding = ({ end }: Slot) => end === 'expired';",
    tests,
  },
  {
    name: 'a message ends the marker of another that took its id',
    file: 'engine/leases/markers.ts',
    find: 'marker?.marks.group === group && marker.marks.parcel === parcel && marker.marks.slot === slot;',
    replace: 'marker?.marks.group === group;',
    tests,
  },
  {
    name: 'a cancel in a group leaves the marker of its message',
    file: 'engine/leases/markers.ts',
    find: "if (lease.kind !== 'group') return [];\n  return [...(await markersIn(ctx, lease, [slot], now)).values()]",
    replace:
      "if (lease.kind !== 'group' || now > 0) return [];\n  return [...(await markersIn(ctx, lease, [slot], now)).values()]",
    tests,
  },
  {
    name: 'a message that dies in a group loses its own id',
    file: 'engine/lifecycle/moves.ts',
    find: ': (marker ?? place);',
    replace: ': place;',
    tests,
  },
  {
    name: 'dead letters of a group that came at the same time are redriven in the order of their own ids',
    file: 'engine/redrive/run.ts',
    find: 'lease.death?.place ?? lease.id',
    replace: 'lease.id',
    tests: ['test/engine/group-redrive.test.ts'],
  },
  {
    name: 'dead letters of a group that came at the same time are divided between pages of a redrive',
    file: 'engine/redrive/pages.ts',
    find: 'first > 0 ? rows.slice(0, first) : rows',
    replace: 'rows',
    tests: ['test/engine/group-redrive.test.ts'],
  },
  {
    name: 'a purge does not free the own ids of groups',
    file: 'engine/publish/own-id.ts',
    find: 'queue.incarnation && marker.marks.at < queue.purgedBefore;',
    replace: 'queue.incarnation && marker.marks.at < 0;',
    tests,
  },
  {
    name: 'a parcel of a group that expires leaves its markers',
    file: 'engine/lifecycle/group-parcels.ts',
    find: '      await endMarkersOf(ctx, one, now, endingOfParcel(queue, one, now));\n',
    replace: '',
    tests,
  },
  {
    name: 'a delayed message of a group is delivered at its turn',
    file: 'engine/lifecycle/group-parcels.ts',
    find: 'const slot: Slot = parcel.slot ?? { visibleAt: parcel.visibleAt ?? parcel.since,',
    replace: 'const slot: Slot = parcel.slot ?? { visibleAt: parcel.since,',
    tests,
  },
  {
    name: 'a delayed message of a group is claimed as it is loaded',
    file: 'engine/lifecycle/due-row.ts',
    find: ' && (first.visibleAt ?? 0) <= now;',
    replace: ';',
    tests,
  },
  {
    name: 'a group waits for the delay of a message that was cancelled',
    file: 'engine/operations/cancel-message.ts',
    find: 'group.dueAt !== undefined && group.dueAt > now ?',
    replace: 'group.dueAt !== undefined && group.dueAt > now + 1e12 ?',
    tests,
  },
  {
    name: 'a redriven message of a group loses its id',
    file: 'engine/lifecycle/group-moves.ts',
    find: 'ownRows: [rowId], ...dead };',
    replace: 'ownRows: [], ...dead };',
    tests,
  },
  {
    name: 'a redrive copies a message of a group in spite of a concurrent change',
    file: 'engine/lifecycle/leaving-messages.ts',
    find: 'id: lease.id, when: unchanged(seen.row!) }',
    replace: "id: lease.id, when: { exists: ['id'] } }",
    tests: ['test/unit/lifecycle/group-moves.test.ts'],
  },
  {
    name: 'a redriven message of a group is not where its marker says',
    file: 'engine/messages/find.ts',
    find: 'if (marks && marks.parcel !== parcelId) {',
    replace: 'if (marks && marks.parcel === parcelId) {',
    tests,
  },
  {
    name: 'a topic puts a message into a group under a key that its queue has taken',
    file: 'engine/topics/group-delivery.ts',
    find: 'if (markerId === undefined || takenBy(share.queue, pending, seen.markers.get(markerId)!, now) === undefined) return true;',
    replace:
      'if (markerId === undefined || takenBy(share.queue, pending, seen.markers.get(markerId)!, now) !== pending.id) return true;',
    tests: ['test/engine/topic-groups.test.ts'],
  },
  {
    name: 'a publish to a topic that loses two ids in a group leaves bodies of its messages for ever',
    file: 'engine/topics/group-delivery.ts',
    find: 'if (refused <= tailOf(ctx, rows.row)) await',
    replace: 'if (ours.size === 1) await',
    tests: ['test/engine/topic-groups.test.ts'],
  },
  {
    name: 'a redrive loses the order of messages of a group that died together and are more than a page',
    file: 'engine/redrive/pages.ts',
    find: 'page.rows.length < tiedRowsMax',
    replace: 'page.rows.length < 0',
    tests: ['test/engine/group-redrive.test.ts'],
  },
  {
    name: 'a redrive removes a body although a late copy of its refused request may still name it',
    file: 'engine/lifecycle/group-moves.ts',
    find: 'const mayBeNamed = () => isUnknown || refused > tail;',
    replace: 'const mayBeNamed = () => isUnknown;',
    tests: ['test/unit/lifecycle/group-moves.test.ts'],
  },
];
