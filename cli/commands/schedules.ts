/** `schedules`: when they tick, and pausing them. */
import type { Command } from 'commander';
import { durationText } from '../../contract/duration-text.ts';
import { pagesOf } from '../../sdk/calls/pages.ts';
import { sessionOf } from '../session.ts';

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
        { title: 'When', text: ({ cron, everySeconds }) => cron ?? `every ${durationText(everySeconds!)}` },
        { title: 'Zone', text: ({ timeZone }) => timeZone },
        { title: 'Next', text: ({ nextAt, paused }) => (paused ? 'paused' : nextAt) },
        { title: 'Last error', text: ({ lastError }) => lastError?.message },
      ]);
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
