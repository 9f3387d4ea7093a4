/** Mutants of messages under own ids: which of them free their id, and what may block another. */
import type { Mutant } from './mutant.ts';

export const ownIds: readonly Mutant[] = [
  {
    name: 'a cancelled message keeps its own id, even if the queue frees it',
    file: 'engine/publish/own-id.ts',
    find: "return idempotency === 'acked' && slots.every(({ cancelled }) => cancelled);",
    replace: "return idempotency === 'acked' && slots.length === 0;",
  },
  {
    name: 'an acked message frees its own id at once',
    file: 'engine/publish/own-id.ts',
    find: "return idempotency === 'acked' && slots.every(({ cancelled }) => cancelled);",
    replace: "return idempotency === 'acked' || slots.every(({ cancelled }) => cancelled);",
  },
  {
    name: 'a publish replaces an ended message in spite of a concurrent change',
    file: 'engine/publish/own-id.ts',
    find: 'after = await putIfUnchanged(ctx, before, encodeLease(lease)).catch(',
    replace:
      "const when = { exists: ['until'] } as const;\n    const put = ctx.store.write({ key: { table: 'leases', id: before.id }, when, then: { put: encodeLease(lease) } });\n    after = await put.then(({ row }) => ({ id: before.id, row, readAt: before.readAt }) as Snapshot).catch(",
    tests: ['test/engine/own-id-again.test.ts'],
  },
  {
    name: 'a publish with an unknown outcome publishes again after its message has ended',
    file: 'engine/publish/own-id.ts',
    find: 'if (maybeApplied && (former.tombstone || pending.id === undefined)) throw unknownOutcome();',
    replace: 'if (maybeApplied && pending.id === undefined) throw unknownOutcome();',
    tests: ['test/engine/own-id-again.test.ts'],
  },
  {
    name: 'a publish whose request is in flight is reported as a duplicate',
    file: 'engine/publish/own-id.ts',
    find: 'if (after.maybeApplied && after.row?.version === before.row?.version) throw unknownOutcome();',
    replace: '',
    tests: ['test/engine/own-id-again.test.ts'],
  },
  {
    name: 'an id that the queue created counts as an own id',
    file: 'engine/model/ids.ts',
    find: 'return serverForm.test(id);',
    replace: 'return serverForm.test(id) && id.length === 0;',
    tests: ['test/engine/by-id.test.ts'],
  },
];
