/** `schedules`: when they tick, and pausing them. */
import type { Command } from 'commander';
import type { Schedule } from '../../contract/contract.ts';
import { allOf } from '../pages.ts';
import { sessionOf } from '../session.ts';

const pageSize = 100;

export function addScheduleCommands(program: Command): void {
  const schedules = program.command('schedules').description('lists the schedules with their next ticks, and changes them');
  schedules
    .command('list', { isDefault: true })
    .description('lists them')
    .action(async (_: object, command: Command) => {
      const session = await sessionOf(command);
      const found: Schedule[] = [];
      const read = async (cursor: object) => {
        const page = await session.call('listSchedules', {}, { limit: pageSize, ...cursor });
        return { entries: page.schedules, cursor: page.cursor };
      };
      for await (const schedule of allOf(read)) found.push(schedule);
      session.printRows(found, [
        { title: 'Schedule', text: ({ name }) => name },
        { title: 'Queue', text: ({ queue }) => queue },
        { title: 'When', text: ({ cron, everySeconds }) => cron ?? `every ${everySeconds} s` },
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
