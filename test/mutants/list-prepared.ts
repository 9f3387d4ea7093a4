/** Mutants of prepared messages. */
import type { Mutant } from './mutant.ts';

export const prepared: readonly Mutant[] = [
  {
    name: 'a prepared message lies where receives look',
    file: 'engine/messages/commit-rollback.ts',
    find: 'shard: preparedKey(queue, shardNumberOf(lease.shard)),',
    replace: 'shard: lease.shard,',
  },
  {
    name: 'what was rolled back is not told so',
    file: 'engine/messages/commit-rollback.ts',
    find: "if (there?.end === 'cancelled' || tombstone?.slots[slot]?.cancelled) return { done: 'rolled_back' };",
    replace: '',
  },
  {
    name: 'a rollback is answered though the message was committed',
    file: 'engine/messages/commit-rollback.ts',
    find: "if (!lease.prepared || !isLive(there)) return { done: 'committed' };",
    replace: "if (!lease.prepared || !isLive(there)) return { done: decision === 'commit' ? 'committed' : 'rolled_back' };",
  },
  {
    name: 'a rollback is done though the message was committed',
    file: 'engine/messages/commit-rollback.ts',
    find: "if (!lease.prepared || !isLive(there)) return { done: 'committed' };",
    replace: "if ((!lease.prepared && decision === 'commit') || !isLive(there)) return { done: 'committed' };",
  },
  {
    name: 'a commit keeps the time at which the message was to be seen to',
    file: 'engine/messages/commit-rollback.ts',
    find: 'const visibleAt = visibleAtOf(prepared!.timing, now);',
    replace: 'const visibleAt = lease.since;',
  },
  {
    name: 'what is committed stays where no receive looks',
    file: 'engine/messages/commit-rollback.ts',
    find: '...placeAt(queue, shard, prepared!.level),',
    replace: '...(shard < 0 ? placeAt(queue, shard, prepared!.level) : {}),',
  },
  {
    name: 'the retention of a prepared message begins when it is prepared',
    file: 'engine/messages/commit-rollback.ts',
    find: 'const expiresAt = retentionEnd(queue, visibleAt);',
    replace: 'const expiresAt = retentionEnd(queue, lease.since);',
    tests: ['test/engine/prepared.test.ts'],
  },
  {
    name: 'the sweep rolls back before the time-out',
    file: 'engine/sweep/prepared.ts',
    find: '|| slot.visibleAt > now) return false;',
    replace: ') return false;',
    tests: ['test/unit/sweep/prepared.test.ts'],
  },
  {
    name: 'what nobody decided is rolled back, though its publisher is to be asked',
    file: 'engine/sweep/prepared.ts',
    find: 'if (!asked || lease.prepared.checks >= checkBacksMax)',
    replace: 'if (!asked || lease.prepared.checks >= 0)',
  },
  {
    name: 'a publisher who does not know is asked for ever',
    file: 'engine/sweep/prepared.ts',
    find: 'prepared: { ...lease.prepared, checks: lease.prepared.checks + 1 },',
    replace: 'prepared: lease.prepared,',
  },
  {
    name: 'who does not know commits',
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
    name: 'a time-out is a thousandth of what the queue says',
    file: 'engine/messages/commit-rollback.ts',
    find: '(queue.prepared?.timeoutSeconds ?? 0) * 1000;',
    replace: '(queue.prepared?.timeoutSeconds ?? 0);',
  },
  {
    name: 'a prepared message is published again while its first request may be under way',
    file: 'engine/publish/own-id.ts',
    find: 'if (maybeApplied && (former.tombstone || pending.id === undefined)) throw unknownOutcome();',
    replace: 'if (maybeApplied && former.tombstone) throw unknownOutcome();',
    tests: ['test/engine/prepared.test.ts'],
  },
  {
    name: 'a sweep rolls back by settings that are no more',
    file: 'engine/sweep/prepared.ts',
    find: 'handleTimeout(ctx, current, partition',
    replace: 'handleTimeout(ctx, queue, partition',
    tests: ['test/engine/prepared.test.ts'],
  },
];
