/** Mutants of who has a message: claims, tokens, precedence. */
import type { Mutant } from './mutant.ts';

export const leases: readonly Mutant[] = [
  {
    name: 'a fresh row is claimed whether or not another has it',
    file: 'engine/lease-writes.ts',
    find: 'absentAt(ctx.clock.now()), { put: row }, readAt)',
    replace: "{ not: { equals: [['version'], ''] } }, { put: row }, readAt)",
  },
  {
    name: 'a row is replaced whatever its version',
    file: 'engine/lease-writes.ts',
    find: "{ equals: [['version'], seen.row.version as string] }",
    replace: "{ exists: ['id'] }",
  },
  {
    name: 'the fresh row is removed before the lease row stands',
    file: 'engine/claims.ts',
    find: '  await keepThroughLease(ctx, lease);\n  const after = await putIfAbsent(ctx, leaseRow(lease), readAt);',
    replace:
      '  await keepThroughLease(ctx, lease);\n  await removeParcel(ctx, parcel.shard, parcel.id);\n  const after = await putIfAbsent(ctx, leaseRow(lease), readAt);',
  },
  {
    name: 'the fresh row is not removed once it is claimed',
    file: 'engine/operations/receive.ts',
    find: "  if ('claimed' in result) {\n    removals.push(parcel);",
    replace: "  if ('claimed' in result) {",
  },
  {
    name: 'the answer to the removal of the fresh row is not had before delivery',
    file: 'engine/deliveries.ts',
    find: '(one) => stands(one) || excess',
    replace: '(one) => excess',
    tests: ['test/engine/removal.test.ts'],
  },
  {
    name: 'the flag `fresh` is ignored',
    file: 'engine/claims.ts',
    find: '    if (behind) await removeParcel(ctx, behind.shard, behind.id);\n',
    replace: '',
  },
  {
    name: 'precedence is forgotten when messages are shown',
    file: 'engine/scan.ts',
    find: 'messages: overriding[index] ? [] : sightParcel(queue, parcel, now),',
    replace: 'messages: sightParcel(queue, parcel, now),',
    tests: ['test/engine/reading.test.ts'],
  },
  {
    name: 'precedence is forgotten by the sweep',
    file: 'engine/sweep-queue.ts',
    find: 'overriding[index] ? { remove: true, deadLettered: 0 } : await clearParcel(ctx, current, parcel, readAt);',
    replace: 'await clearParcel(ctx, current, parcel, readAt);',
    tests: ['test/engine/removal.test.ts'],
  },
  {
    name: 'the token is not renewed at a claim',
    file: 'engine/claims.ts',
    find: 'visibleAt: leasedUntil, token, receives, failures };',
    replace: 'visibleAt: leasedUntil, token: slot.token ?? token, receives, failures };',
  },
  {
    name: 'a message that is leased is taken again',
    file: 'engine/verdicts.ts',
    find: "  if (slot.visibleAt > now) return 'held';",
    replace: "  if (slot.visibleAt > now && slot.token === undefined) return 'held';",
  },
  {
    name: 'slots that are not ready are taken with those that are',
    file: 'engine/claims.ts',
    find: 'if (!mayBeTaken.has(index) || taken >= room)',
    replace: 'if (!isLive(slot) || taken >= room)',
  },
  {
    name: 'one receive answers a row twice that it met in both tables',
    file: 'engine/operations/receive.ts',
    find: 'if (!claimed || taken.claimed.some(({ lease }) => lease.id === claimed.lease.id)) continue;',
    replace: 'if (!claimed) continue;',
  },
  {
    name: 'an ack needs no token',
    file: 'engine/operations/ack.ts',
    find: "({ equals: [slotPath(slot, 'token'), token] })",
    replace: "({ not: { equals: [slotPath(slot, 'end'), token] } })",
  },
  {
    name: 'an ack that was refused looks at the slot alone',
    file: 'engine/operations/ack.ts',
    find: 'return there && isLive(there) && there.token === token;',
    replace: 'return there && isLive(there) && (there.token === token || there.token !== undefined);',
  },
  {
    name: 'an ack of a part does not renew the version',
    file: 'engine/operations/ack.ts',
    find: "{ set: [[['version'], version], ...marks(held, done)] }",
    replace: '{ set: marks(held, done) }',
  },
  {
    name: 'an ack of a part that comes twice brings its version back',
    file: 'engine/operations/ack.ts',
    find: "const part: Condition = { all: [{ absent: ['until'] }, ...holdsStill(held)] };",
    replace: "const part: Condition = { all: [{ absent: ['until'] }, ...(done.kept ? holdsStill(held) : held.map(holds))] };",
    tests: ['test/engine/late-copies.test.ts'],
  },
  {
    name: 'an ack of a part after a read that comes twice brings its version back',
    file: 'engine/operations/ack.ts',
    find: '...holdsStill(pending)] };',
    replace: '...(done.kept ? holdsStill(pending) : pending.map(holds))] };',
    tests: ['test/engine/late-copies.test.ts'],
  },
  {
    name: 'an ack of a whole row does not compare the count',
    file: 'engine/operations/ack.ts',
    find: " { equals: [['count'], count] },",
    replace: '',
    tests: ['test/engine/ack.test.ts'],
  },
  {
    name: 'an ack of a row with work left makes a plain tombstone',
    file: 'engine/operations/ack.ts',
    find: ", { absent: ['ending'] }];",
    replace: '];',
  },
  {
    name: 'an ack removes the row',
    file: 'engine/operations/ack.ts',
    find: 'keyed?.then ?? { put: row }, now);',
    replace: 'keyed?.then ?? (row.until ? { remove: true } : { put: row }), now);',
  },
  {
    name: 'a release needs no token',
    file: 'engine/operations/release.ts',
    find: 'return there && isLive(there) && there.token === token;',
    replace: 'return there && isLive(there) && (there.token === token || there.token !== undefined);',
  },
  {
    name: 'a release leaves the token',
    file: 'engine/operations/release.ts',
    find: '  const { token: _, leasedUntil: __, ...rest } = slot;',
    replace: '  const { leasedUntil: __, ...rest } = slot;',
  },
  {
    name: 'an extension needs no token',
    file: 'engine/operations/extend.ts',
    find: '!isLive(there) || there.token !== receipt.token) return false;',
    replace: '!isLive(there) || there.token === undefined) return false;',
  },
  {
    name: 'a delayed parcel is put unconditionally',
    file: 'engine/publish-parcels.ts',
    find: 'const after = await putIfAbsent(ctx, parcel.row, readAt);',
    replace: 'const after = await ctx.store.write({ key: parcel.key, then: { put: parcel.row } }, writeBy(readAt));',
  },
  {
    name: 'a message under its own id is put unconditionally',
    file: 'engine/publish-own.ts',
    find: 'let after = await putIfAbsent(ctx, leaseRow(lease), readAt);',
    replace:
      'let after: Seen = { id: lease.id, readAt: now, row: (await ctx.store.write({ key: { table: "leases", id: lease.id }, then: { put: leaseRow(lease) } }, writeBy(now))).row };',
  },
  {
    name: 'a publish is answered ok though its row was refused',
    file: 'engine/publish-parcels.ts',
    find: 'if (error) failures.set(ready[index]!, error);',
    replace: "if (error && error.applied === 'unknown') failures.set(ready[index]!, error);",
  },
];
