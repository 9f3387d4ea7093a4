/** Mutants of schedules. */
import type { Mutant } from './mutant.ts';

export const schedules: readonly Mutant[] = [
  {
    name: 'a schedule is written whatever others made of it meanwhile',
    file: 'engine/schedules/schedule-writes.ts',
    find: "before.version === undefined ? { absent: ['name'] } : { equals: [['version'], before.version] };",
    replace: "before.version === undefined ? { absent: ['name'] } : { exists: ['version'] };",
  },
  {
    name: 'what was published ahead stays when the schedule changes',
    file: 'engine/schedules/schedule-writes.ts',
    find: 'const waits = slot && !slot.end && slot.receives === 0 && slot.visibleAt > now;',
    replace: 'const waits = slot && !slot.end && slot.receives === 0 && slot.visibleAt > now + 1e12;',
  },
  {
    name: 'what is taken back is ended whatever became of it meanwhile',
    file: 'engine/schedules/schedule-writes.ts',
    find: "when: { equals: [['version'], lease.version] },",
    replace: "when: { exists: ['version'] },",
    tests: ['test/engine/schedules.test.ts'],
  },
  {
    name: 'a tick ahead is received at once',
    file: 'engine/schedules/schedule-writes.ts',
    find: 'const visibleAt = Math.max(now, tick);',
    replace: 'const visibleAt = now;',
  },
  {
    name: 'an answer that was lost counts as a change that was not made',
    file: 'engine/schedules/schedule-writes.ts',
    find: "if (now?.version === row.version) return 'made';",
    replace: '',
    tests: ['test/engine/schedule-crashes.test.ts'],
  },
  {
    name: 'the messages of ticks are put apart from the schedule',
    file: 'engine/schedules/schedule-writes.ts',
    find: 'const { ok } = await ctx.store.transact([{ key, when, then: { put: row } }, ...writes], by);',
    replace:
      'for (const write of writes) await ctx.store.write(write, by);\n    const { ok } = await ctx.store.transact([{ key, when, then: { put: row } }], by);',
  },
  {
    name: 'of what was missed all that is due is left out',
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
    name: 'a sweep leaves out the tick after those that it publishes',
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
    name: 'a paused schedule goes on',
    file: 'engine/schedules/change-schedule.ts',
    find: 'const nextAt = paused ? undefined :',
    replace: 'const nextAt =',
  },
  {
    name: 'a deleted schedule leaves what is ahead of it',
    file: 'engine/operations/delete-schedule.ts',
    find: 'next: undefined, writes }',
    replace: 'next: undefined, writes: [] }',
  },
  {
    name: 'a change publishes again what was received ahead of its tick',
    file: 'engine/schedules/change-schedule.ts',
    find: 'missed, ahead: taken.kept }',
    replace: 'missed, ahead: [] }',
    tests: ['test/engine/schedules.test.ts'],
  },
  {
    name: 'a change publishes again what was due by a clock that is ahead',
    file: 'engine/schedules/change-schedule.ts',
    find: 'const published = Math.max(readAt, before?.lastAt ?? 0);',
    replace: 'const published = readAt;',
    tests: ['test/engine/schedules.test.ts'],
  },
  {
    name: 'a cron expression leaves out what falls due within a minute of the tick before',
    file: 'engine/schedules/cron.ts',
    find: 'parsed.nextRun(new Date(after))',
    replace: 'parsed.nextRun(new Date(after + 60_000))',
  },
  {
    name: 'a cron expression is read by the clock of UTC',
    file: 'engine/schedules/cron.ts',
    find: 'timezone: timeZone,',
    replace: "timezone: 'UTC',",
  },
  {
    name: 'ticks that lay ahead in a deleted queue are lost with it',
    file: 'engine/schedules/lost-ticks.ts',
    find: 'return ahead.some((one) => isElsewhere(one, queue));',
    replace: 'return ahead.length > 1000 && ahead.some((one) => isElsewhere(one, queue));',
    tests: ['test/engine/schedules.test.ts'],
  },
  {
    name: 'a tick that was received before its queue was deleted is published again',
    file: 'engine/schedules/lost-ticks.ts',
    find: 'return tick >= goneAt && !wasReceived(seen[index]!, now);',
    replace: 'return tick >= goneAt - 3_600_000 * 24;',
    tests: ['test/engine/schedules.test.ts'],
  },
  {
    name: 'what lay ahead in a deleted queue is published again and not taken back',
    file: 'engine/schedules/lost-ticks.ts',
    find: '(isLost[index] ? takingBack(ctx, one, now) : [])',
    replace: '(isLost[index] && now < 0 ? takingBack(ctx, one, now) : [])',
    tests: ['test/engine/schedules.test.ts'],
  },
];
