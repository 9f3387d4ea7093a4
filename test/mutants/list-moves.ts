/** Mutants of moving messages: dead letters, redrives, parts of parcels. */
import type { Mutant } from './mutant.ts';

export const moves: readonly Mutant[] = [
  {
    name: 'a whole row is moved whatever became of it since it was judged',
    file: 'engine/moves.ts',
    find: '() => replace(ctx, seen, leaseRow(next)));',
    replace:
      'async () => {\n    const [now2] = await ctx.store.get([leaseKey(seen.id)]);\n    return replace(ctx, { ...seen, row: now2 }, leaseRow(next));\n  });',
    tests: ['test/engine/races.test.ts'],
  },
  {
    name: 'a part of a row is moved whatever became of it since it was judged',
    file: 'engine/lease-writes.ts',
    find: "{ equals: [['version'], seen.row!.version as string] };",
    replace: "{ exists: ['version'] };",
  },
  {
    name: 'moved messages are not marked where they were',
    file: 'engine/moves.ts',
    find: "failures: 0, end: 'moved' };",
    replace: 'failures: 0 };',
  },
  {
    name: 'moved messages are marked as done',
    file: 'engine/moves.ts',
    find: "failures: 0, end: 'moved' };",
    replace: "failures: 0, end: 'done' };",
    tests: ['test/engine/races.test.ts'],
  },
  {
    name: 'a moved row forgets that its parcel may still lie in `messages`',
    file: 'engine/moves.ts',
    find: '    ...(lease.fresh === undefined ? {} : { fresh: lease.fresh }),\n',
    replace: '',
    tests: ['test/engine/removal.test.ts'],
  },
  {
    name: 'a moved row forgets that bodies are to be removed when it ends',
    file: 'engine/moves.ts',
    find: 'lease.ending || needsEnding(contents, row.expiresAt)',
    replace: 'lease.ending && needsEnding(contents, row.expiresAt)',
  },
  {
    name: 'bodies of a moved row keep their time to live',
    file: 'engine/moves.ts',
    find: 'if (!anew && lease.expiresAt !== undefined) await keepBodies(ctx, contents, row.expiresAt);',
    replace: '',
    tests: ['test/engine/age.test.ts', 'test/engine/dead-letter.test.ts'],
  },
  {
    name: 'bodies stay of a move that another was faster with',
    file: 'engine/moves.ts',
    find: '  if (!applied) await removeUnnamed(ctx, { seen, after }, alone);\n',
    replace: '',
    tests: ['test/engine/bodies-left.test.ts'],
  },
  {
    name: 'bodies go though the move that put them was made unheard',
    file: 'engine/beside.ts',
    find: '({ placed }, index) => !holdsBodies(found[index]!, placed)',
    replace: '(_, index) => found[index] !== undefined',
    tests: ['test/engine/bodies-left.test.ts'],
  },
  {
    name: 'bodies that were to be kept for ever, and are not, have no end',
    file: 'engine/moves.ts',
    find: '!applied && haveNoEnd ?',
    replace: '!applied && !haveNoEnd ?',
    tests: ['test/engine/bodies-left.test.ts'],
  },
  {
    name: 'a dead letter is due where it was, not at once',
    file: 'engine/moves.ts',
    find: 'const next: Slot = { visibleAt: now, receives: 0, failures: 0 };',
    replace:
      'const next: Slot = { visibleAt: slot.visibleAt, receives: slot.receives, failures: 0, ...(now < 0 ? { end: "done" } : {}) };',
  },
  {
    name: 'a redrive moves what is leased',
    file: 'engine/redrive-run.ts',
    find: "stateOf(lease, lease.slots[index]!, now) !== 'leased'",
    replace: "stateOf(lease, lease.slots[index]!, now) !== 'delayed'",
  },
  {
    name: 'a redrive moves what came after it began',
    file: 'engine/redrive-run.ts',
    find: ' && lease.since <= task.startedAt',
    replace: '',
    tests: ['test/engine/redrive.test.ts'],
  },
  {
    name: 'a redrive moves what is in another queue by now',
    file: 'engine/redrive-run.ts',
    find: 'lease && incarnationOf(lease.shard) === queue.incarnation && lease.since',
    replace: 'lease && lease.since',
    tests: ['test/engine/redrive.test.ts'],
  },
  {
    name: 'a parcel is taken out of its turn though its row in `leases` may not stand',
    file: 'engine/adopt.ts',
    find: 'if (!seen.row) throw notSaid(',
    replace: 'if (!seen) throw notSaid(',
    tests: ['test/engine/redrive.test.ts'],
  },
  {
    name: 'a row out of its turn does not remember the parcel it came from',
    file: 'engine/adopt.ts',
    find: '    outOfOrder: parcel.shard,\n    ending: true,\n',
    replace: '',
    tests: ['test/engine/redrive.test.ts'],
  },
  {
    name: 'an expired parcel is removed though its row in `leases` may not stand',
    file: 'engine/claims.ts',
    find: 'if (after.row?.version !== lease.version) return { remove: false, deadLettered: 0 };',
    replace: 'if (after.row?.version !== lease.version) return { remove: true, deadLettered: 0 };',
  },
  {
    name: 'bodies are left by the publish that lost to another of its id',
    file: 'engine/publish-own.ts',
    find: 'if (needsEnding(lease.contents, lease.expiresAt)) await',
    replace: 'if (needsEnding(lease.contents, lease.expiresAt) && after.row === undefined) await',
    tests: ['test/engine/own-id.test.ts'],
  },
];
