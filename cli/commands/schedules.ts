/** `schedules`: when they tick, and pausing them. */
import type { Command } from 'commander';
import type { Schedule, ScheduleWithTicks } from '../../contract/contract.ts';
import { durationText } from '../../contract/duration-text.ts';
import { pagesOf } from '../../sdk/calls/pages.ts';
import { sessionOf } from '../session.ts';
import { tableOf } from '../table.ts';

const pageSize = 100;

export function addScheduleCommands(program: Command): void {
  const schedules = program.command('schedules').description('lists the schedules with their next ticks, and changes them');
  schedules
    .command('list', { isDefault: true })
    .description('lists them')
    .action(async (_: object, command: Command) => {
      const session = await sessionOf(command);
      const found = await pagesOf(
        { limit: pageSize },
        (page) => session.call('listSchedules', {}, page),
        ({ schedules }) => schedules,
      ).all();
      session.printRows(found, [
        { title: 'Schedule', text: ({ name }) => name },
        { title: 'Queue', text: ({ queue }) => queue },
        { title: 'When', text: whenText },
        { title: 'Zone', text: ({ timeZone }) => timeZone },
        { title: 'Next', text: ({ nextAt, paused }) => (paused ? 'paused' : nextAt) },
        { title: 'Last error', text: ({ lastError }) => lastError?.message },
      ]);
    });
  schedules
    .command('show <name>')
    .description('shows it with its next ticks, in its zone and in yours')
    .action(async (name: string, _: object, command: Command) => {
      const session = await sessionOf(command);
      const schedule = await session.call('getSchedule', { name });
      session.print(schedule, scheduleText(schedule));
    });
  for (const [verb, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const) {
    schedules
      .command(`${verb} <name>`)
      .description(paused ? 'stops its ticks' : 'lets it tick again')
      .action(async (name: string, _: object, command: Command) => {
        const session = await sessionOf(command);
        session.print(await session.call('updateSchedule', { name }, { paused }), `${name} is ${paused ? 'paused' : 'resumed'}.`);
      });
  }
  schedules
    .command('trigger <name>')
    .description('publishes its message now, besides its ticks')
    .action(async (name: string, _: object, command: Command) => {
      const session = await sessionOf(command);
      const { queue, message } = await session.call('getSchedule', { name });
      const { results } = await session.call('publish', { queue }, { messages: [message] });
      session.print(results[0], `Published to ${queue}.`);
    });
}

function whenText({ cron, everySeconds }: Schedule): string {
  return cron ?? `every ${durationText(everySeconds!)}`;
}

function scheduleText(schedule: ScheduleWithTicks): string {
  const { name, queue, timeZone, paused, nextTicks, lastAt, lastError } = schedule;
  const here = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  const zones = [...new Set([timeZone ?? here, here])];
  const coming = tableOf(
    nextTicks,
    zones.map((zone) => ({ title: `Next in ${zone}`, text: (tick) => instantIn(tick, zone) })),
  );
  return [
    `${name}: ${whenText(schedule)}${timeZone ? ` in ${timeZone}` : ''}, to ${queue}`,
    ...(lastAt ? [`Last tick: ${instantIn(lastAt, here)}`] : []),
    ...(lastError ? [`Last error: ${lastError.message}`] : []),
    nextTicks.length > 0 ? coming : paused ? 'Paused.' : 'No more ticks.',
  ].join('\n');
}

const wallClock: Intl.DateTimeFormatOptions = {
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'longOffset',
};

/** `2027-03-28 03:00:00 GMT+02:00`. Swedish writes dates as ISO 8601 does, but offsets with a minus sign that is not ASCII. */
function instantIn(instant: string, timeZone: string): string {
  return new Intl.DateTimeFormat('sv-SE', { ...wallClock, timeZone }).format(new Date(instant)).replace('\u2212', '-');
}
