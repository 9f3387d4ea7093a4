/** Mutants of prepared messages. */
import type { Mutant } from './mutant.ts';

export const prepared: readonly Mutant[] = [
  {
    name: 'a prepared message is stored where receives look',
    file: 'engine/messages/commit-rollback.ts',
    find: 'shard: preparedKey(queue, shardNumberOf(lease.shard)),',
    replace: 'shard: lease.shard,',
  },
  {
    name: 'a message that was rolled back is not reported as such',
    file: 'engine/messages/commit-rollback.ts',
    find: "if (there?.end === 'cancelled' || tombstone?.slots[slot]?.cancelled) return { done: 'rolled_back' };",
    replace: '',
  },
  {
    name: 'a rollback of a committed message is answered with success',
    file: 'engine/messages/commit-rollback.ts',
    find: "if (lease.kind !== 'prepared' || !isLive(there)) return { done: 'committed' };",
    replace:
      "if (lease.kind !== 'prepared' || !isLive(there)) return { done: decision === 'commit' ? 'committed' : 'rolled_back' };",
  },
  {
    name: 'a rollback removes a committed message',
    file: 'engine/messages/commit-rollback.ts',
    find: "if (lease.kind !== 'prepared' || !isLive(there)) return { done: 'committed' };",
    replace: "if ((lease.kind !== 'prepared' && decision === 'commit') || !isLive(there)) return { done: 'committed' };",
  },
  {
    name: "a commit ignores the message's delay",
    file: 'engine/messages/commit-rollback.ts',
    find: 'const visibleAt = visibleAtOf(prepared.timing, now);',
    replace: 'const visibleAt = lease.since;',
  },
  {
    name: 'a committed message stays where no receive looks',
    file: 'engine/messages/commit-rollback.ts',
    find: '...placeAt(queue, shard, prepared.level),',
    replace: '...(shard < 0 ? placeAt(queue, shard, prepared.level) : {}),',
  },
  {
    name: 'the retention of a prepared message begins when it is prepared',
    file: 'engine/messages/commit-rollback.ts',
    find: 'const retentionEnd = retentionEndAfter(queue, visibleAt);',
    replace: 'const retentionEnd = retentionEndAfter(queue, lease.since);',
    tests: ['test/engine/prepared.test.ts'],
  },
  {
    name: 'the sweep rolls back before the timeout',
    file: 'engine/sweep/prepared.ts',
    find: '|| slot.visibleAt > now) return false;',
    replace: ') return false;',
    tests: ['test/unit/sweep/prepared.test.ts'],
  },
  {
    name: 'an undecided message is rolled back without asking its publisher',
    file: 'engine/sweep/prepared.ts',
    find: 'if (!asked || lease.prepared.checks >= checkBacksMax)',
    replace: 'if (!asked || lease.prepared.checks >= 0)',
  },
  {
    name: 'a publisher that answers unknown is asked forever',
    file: 'engine/sweep/prepared.ts',
    find: 'prepared: { ...lease.prepared, checks: lease.prepared.checks + 1 },',
    replace: 'prepared: lease.prepared,',
  },
  {
    name: 'a publisher that answers unknown commits',
    file: 'engine/sweep/prepared.ts',
    find: "if (outcome !== 'unknown') await decide(ctx, queue.name, message.id, outcome);",
    replace: "await decide(ctx, queue.name, message.id, outcome === 'unknown' ? 'commit' : outcome);",
  },
  {
    name: 'a rollback only hides the message',
    file: 'engine/messages/commit-rollback.ts',
    find: "end: 'cancelled' as const, ...keptAs(queue, 'cancelled', now) }));",
    replace: 'visibleAt: now + 1e12 }));',
  },
  {
    name: 'the timeout of a prepared message is a thousandth of the setting',
    file: 'engine/messages/commit-rollback.ts',
    find: '(queue.prepared?.timeoutSeconds ?? 0) * 1000;',
    replace: '(queue.prepared?.timeoutSeconds ?? 0);',
  },
  {
    name: 'a prepared message is published again while its first request may be in flight',
    file: 'engine/publish/own-id.ts',
    find: 'if (maybeApplied && (former.tombstone || pending.id === undefined)) throw unknownOutcome();',
    replace: 'if (maybeApplied && former.tombstone) throw unknownOutcome();',
    tests: ['test/engine/prepared.test.ts'],
  },
  {
    name: 'a sweep rolls back according to outdated settings',
    file: 'engine/sweep/prepared.ts',
    find: 'handleTimeout(ctx, current, partition',
    replace: 'handleTimeout(ctx, queue, partition',
    tests: ['test/engine/prepared-check-back.test.ts'],
  },
];
