/** Mutants of schedules. */
import type { Mutant } from './mutant.ts';

export const schedules: readonly Mutant[] = [
  {
    name: 'a write of a schedule overwrites a concurrent change',
    file: 'engine/schedules/schedule-writes.ts',
    find: "before.version === undefined ? { absent: ['name'] } : { equals: [['version'], before.version] };",
    replace: "before.version === undefined ? { absent: ['name'] } : { exists: ['version'] };",
  },
  {
    name: 'messages that were published ahead stay when the schedule changes',
    file: 'engine/schedules/schedule-writes.ts',
    find: 'const waits = slot && !slot.end && slot.receives === 0 && slot.visibleAt > now;',
    replace: 'const waits = slot && !slot.end && slot.receives === 0 && slot.visibleAt > now + 1e12;',
  },
  {
    name: 'a message that is taken back ends in spite of a concurrent change',
    file: 'engine/schedules/lost-ticks.ts',
    find: "const when = { equals: [['version'], lease.version] } as const;",
    replace: "const when = { exists: ['version'] } as const;",
    tests: ['test/engine/schedule-changes.test.ts'],
  },
  {
    name: 'a tick that is published ahead is received at once',
    file: 'engine/schedules/schedule-writes.ts',
    find: 'const visibleAt = Math.max(now, tick);',
    replace: 'const visibleAt = now;',
  },
  {
    name: 'a change of a schedule whose answer was lost counts as not made',
    file: 'engine/schedules/schedule-writes.ts',
    find: "if (now?.version === row.version) return 'made';",
    replace: '',
    tests: ['test/engine/schedule-crashes.test.ts'],
  },
  {
    name: "the messages of ticks are written outside the schedule's transaction",
    file: 'engine/schedules/schedule-writes.ts',
    find: 'const { ok } = await ctx.store.transact([{ key, when, then: { put: row } }, ...writes], by);',
    replace:
      'for (const write of writes) await ctx.store.write(write, by);\n    const { ok } = await ctx.store.transact([{ key, when, then: { put: row } }], by);',
  },
  {
    name: 'missed ticks are left out under the policy all',
    file: 'engine/schedules/ticks.ts',
    find: "&& missed !== 'all') {",
    replace: ') {',
  },
  {
    name: 'a tick at the end of the schedule is published',
    file: 'engine/schedules/ticks.ts',
    find: '(endAt !== undefined && tick >= endAt)',
    replace: '(endAt !== undefined && tick > endAt)',
  },
  {
    name: 'a sweep skips the tick after those that it publishes',
    file: 'engine/schedules/ticks.ts',
    find: '  return { ticks, nextAt: at };',
    replace: '  return { ticks, nextAt: at === undefined ? undefined : timing.next(at) };',
  },
  {
    name: 'a sweep publishes its last tick again',
    file: 'engine/schedules/ticks.ts',
    find: '  return { ticks, nextAt: at };',
    replace: '  return { ticks, nextAt: ticks.at(-1) ?? at };',
  },
  {
    name: 'a paused schedule continues',
    file: 'engine/schedules/change-schedule.ts',
    find: 'const nextAt = paused ? undefined :',
    replace: 'const nextAt =',
  },
  {
    name: 'a deleted schedule leaves its messages ahead',
    file: 'engine/operations/schedules.ts',
    find: 'next: undefined, writes }',
    replace: 'next: undefined, writes: [] }',
  },
  {
    name: 'a change of a schedule publishes again a tick that was received early',
    file: 'engine/schedules/change-schedule.ts',
    find: 'missed, ahead: taken.kept }',
    replace: 'missed, ahead: [] }',
    tests: ['test/engine/schedule-changes.test.ts'],
  },
  {
    name: 'a change of a schedule publishes again a tick that was due by a clock ahead',
    file: 'engine/schedules/change-schedule.ts',
    find: 'const published = Math.max(readAt, before?.lastAt ?? 0);',
    replace: 'const published = readAt;',
    tests: ['test/engine/schedule-changes.test.ts'],
  },
  {
    name: 'a cron expression skips ticks within a minute of the previous one',
    file: 'engine/schedules/cron.ts',
    find: 'parsed.nextRun(new Date(after))',
    replace: 'parsed.nextRun(new Date(after + 60_000))',
  },
  {
    name: 'a cron expression is evaluated in UTC',
    file: 'engine/schedules/cron.ts',
    find: 'timezone: timeZone,',
    replace: "timezone: 'UTC',",
    tests: ['test/unit/schedules/ticks.test.ts'],
  },
  {
    name: 'ticks that are ahead in a deleted queue are lost with it',
    file: 'engine/schedules/lost-ticks.ts',
    find: 'return ahead.some((one) => isElsewhere(one, queue));',
    replace: 'return ahead.length > 1000 && ahead.some((one) => isElsewhere(one, queue));',
    tests: ['test/engine/schedule-queues.test.ts'],
  },
  {
    name: 'a tick that was received before its queue was deleted is published again',
    file: 'engine/schedules/lost-ticks.ts',
    find: 'return tick >= goneAt && !wasReceived(seen[index]!, now);',
    replace: 'return tick >= goneAt - 3_600_000 * 24;',
    tests: ['test/engine/schedule-queues.test.ts'],
  },
  {
    name: 'ticks that are ahead in a deleted queue are published again and not taken back',
    file: 'engine/schedules/lost-ticks.ts',
    find: '(isLost[index] ? takingBack(ctx, one, now) : [])',
    replace: '(isLost[index] && now < 0 ? takingBack(ctx, one, now) : [])',
    tests: ['test/engine/schedule-queues.test.ts'],
  },
];
