/** Mutants of what a queue keeps of ended messages. */
import type { Mutant } from './mutant.ts';

export const keeping: readonly Mutant[] = [
  {
    name: 'a kept message is removed too early',
    file: 'engine/leases/kept-messages.ts',
    find: 'until: at + seconds * 1000 } };',
    replace: 'until: at + seconds * 500 } };',
  },
  {
    name: 'a kept message is shown forever',
    file: 'engine/leases/kept-messages.ts',
    find: "if (!kept || kept.until <= now || end === 'moved'",
    replace: "if (!kept || end === 'moved'",
    tests: ['test/engine/keep.test.ts'],
  },
  {
    name: 'the row of a message that is acked and kept is never removed',
    file: 'engine/operations/ack.ts',
    find: "    [['ttl'], Math.ceil(until / 1000)],\n    ...doneMarks(receipts, done),",
    replace: '    ...doneMarks(receipts, done),',
  },
  {
    name: 'a second ack replaces the result of the first',
    file: 'engine/operations/ack.ts',
    find: "const part: Condition = { all: [{ absent: ['until'] }, ...stillLeased(receipts)] };",
    replace: "const part: Condition = { all: [{ absent: ['until'] }, ...receipts.map(tokenMatches)] };",
    tests: ['test/engine/keep-results.test.ts'],
  },
  {
    name: 'an ack that finds its row changed drops its result',
    file: 'engine/operations/ack.ts',
    find: '    const done = doneAt(queue, now, result);\n    const slots',
    replace: '    const done = doneAt(queue, now, undefined);\n    const slots',
  },
  {
    name: 'messages of one row that are acked together are shown without their result',
    file: 'engine/operations/ack.ts',
    find: "    ...(result ? [[slotPath(slot, 'result'), encodeStoredContent(result)] as [Path, Value]] : []),\n",
    replace: '',
  },
  {
    name: 'a kept message frees its own id',
    file: 'engine/leases/kept-messages.ts',
    find: 'if (kept?.slots.some((slot) => endingOf(queue, kept, slot, now))) return false;',
    replace: 'if (kept?.slots.some((slot) => endingOf(queue, kept, slot, now))) return true;',
  },
  {
    name: 'offloaded bodies are removed before their kept messages',
    file: 'engine/leases/kept-messages.ts',
    find: 'return outlastsBodies(until, parcel.retentionEnd) ? until : undefined;',
    replace: 'return until < parcel.retentionEnd ? until : undefined;',
  },
  {
    name: 'a row removes the body that it shares with others',
    file: 'engine/model/content-codec.ts',
    find: 'return isShared(content) ? [] : chunkKeys(content);',
    replace: 'return chunkKeys(content);',
    tests: ['test/engine/shared-bodies.test.ts'],
  },
  {
    name: 'a dead letter without retention goes on sharing its body',
    file: 'engine/lifecycle/moved-bodies.ts',
    find: 'return outlastsShared(lease.content, row.retentionEnd) ? copiedBody(ctx, lease.content, ttl) : undefined;',
    replace: 'return undefined;',
    tests: ['test/engine/shared-bodies.test.ts'],
  },
  {
    name: 'the copy of a shared body is not named by the row that needs it',
    file: 'engine/leases/offloaded-bodies.ts',
    find: '  return copy.content;',
    replace: '  return content;',
    tests: ['test/engine/shared-bodies.test.ts'],
  },
  {
    name: 'a queue without retention shares its body',
    file: 'engine/publish/place-body.ts',
    find: '        if (retentionEnd === undefined) return placeOwn(text, room, newId, retentionEnd);\n',
    replace: '        if (retentionEnd === undefined) retentionEnd = now;\n',
    tests: ['test/engine/shared-bodies.test.ts'],
  },
  {
    name: 'kept messages of a group are dropped when the group advances',
    file: 'engine/leases/kept-messages.ts',
    find: 'return apart.length > 0 ? putIfUnchangedWith(ctx, seen, row, apart) : putIfUnchanged(ctx, seen, row);',
    replace: 'return putIfUnchanged(ctx, seen, row);',
  },
  {
    name: 'a row that ends drops the messages that it should keep',
    file: 'engine/leases/lease-store.ts',
    find: '    tombstone.kept = lease;\n    tombstone.until = Math.max(tombstone.until, shownUntil);\n',
    replace: '',
  },
  {
    name: 'a message that is cancelled and kept is shown as done',
    file: 'engine/leases/kept-messages.ts',
    find: 'return { state: end!, ...kept };',
    replace: "return { state: end === 'cancelled' ? 'done' : end!, ...kept };",
  },
  {
    name: 'an expired message is not kept',
    file: 'engine/leases/kept-messages.ts',
    find: 'return kept && kept.until > now ? kept : undefined;',
    replace: 'return kept && kept.until < now ? kept : undefined;',
    tests: ['test/engine/keep.test.ts'],
  },
];
