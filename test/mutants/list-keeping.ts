/** Mutants of what a queue keeps of ended messages. */
import type { Mutant } from './mutant.ts';

export const keeping: readonly Mutant[] = [
  {
    name: 'what is kept goes too soon',
    file: 'engine/leases/kept-messages.ts',
    find: 'until: at + seconds * 1000 } };',
    replace: 'until: at + seconds * 500 } };',
  },
  {
    name: 'what is kept is shown for ever',
    file: 'engine/leases/kept-messages.ts',
    find: "if (!kept || kept.until <= now || end === 'moved'",
    replace: "if (!kept || end === 'moved'",
  },
  {
    name: 'the row of a message that is done and kept is never removed',
    file: 'engine/operations/ack.ts',
    find: "    [['ttl'], Math.ceil(until / 1000)],\n    ...marks(receipts, done),",
    replace: '    ...marks(receipts, done),',
  },
  {
    name: 'a second ack puts its result in the place of the first',
    file: 'engine/operations/ack.ts',
    find: "const part: Condition = { all: [{ absent: ['until'] }, ...holdsStill(receipts)] };",
    replace: "const part: Condition = { all: [{ absent: ['until'] }, ...receipts.map(holds)] };",
    tests: ['test/engine/keep.test.ts'],
  },
  {
    name: 'the result of an ack that finds its row changed is forgotten',
    file: 'engine/operations/ack.ts',
    find: '    const done = doneAt(queue, now, result);\n    const slots',
    replace: '    const done = doneAt(queue, now, undefined);\n    const slots',
  },
  {
    name: 'messages of one row that are done at once are shown with the result of nobody',
    file: 'engine/operations/ack.ts',
    find: "    ...(result ? [[slotPath(slot, 'result'), placedRow(result)] as [Path, Value]] : []),\n",
    replace: '',
  },
  {
    name: 'a message that is kept gives its own id to the next',
    file: 'engine/leases/kept-messages.ts',
    find: 'if (kept?.slots.some((slot) => endingOf(queue, kept, slot, now))) return false;',
    replace: 'if (kept?.slots.some((slot) => endingOf(queue, kept, slot, now))) return true;',
  },
  {
    name: 'bodies go before what is kept of their messages',
    file: 'engine/leases/kept-messages.ts',
    find: '  await keepBodies(ctx, contents, until);',
    replace: '  if (until < expiresAt) await keepBodies(ctx, contents, until);',
  },
  {
    name: 'what is kept of a group goes when the group goes on',
    file: 'engine/leases/kept-messages.ts',
    find: 'return apart.length > 0 ? putIfUnchangedWith(ctx, seen, row, apart) : putIfUnchanged(ctx, seen, row);',
    replace: 'return putIfUnchanged(ctx, seen, row);',
  },
  {
    name: 'a row that ends holds nothing of what it is to keep',
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
    name: 'what expires is not kept',
    file: 'engine/leases/kept-messages.ts',
    find: 'return kept && kept.until > now ? kept : undefined;',
    replace: 'return kept && kept.until < now ? kept : undefined;',
    tests: ['test/engine/keep.test.ts'],
  },
];
