/** `get`, `cancel`, `release`, `edit`, `postpone`: one message by its id. */
import { type Command, Option } from 'commander';
import { UsageError } from '../failure.ts';
import { jsonOf, numberOf } from '../options.ts';
import { sessionOf } from '../session.ts';

export function addMessageCommands(program: Command): void {
  program
    .command('get <queue> <id>')
    .description('shows a message: its state, what happened to it, and its body')
    .action(async (queue: string, id: string, _: object, command: Command) => {
      const session = await sessionOf(command);
      session.printJson(await session.call('getMessage', { queue, id }));
    });
  program
    .command('cancel <queue> <ids...>')
    .description('cancels messages: no receive returns them any more')
    .option('--force', 'also while they are leased')
    .action(async (queue: string, ids: string[], { force }: { force?: true }, command: Command) => {
      const session = await sessionOf(command);
      for (const id of ids) {
        await session.call('cancelMessage', { queue, id }, force ? { force } : {});
        session.print({ id }, `${id} is cancelled.`);
      }
    });
  program
    .command('release <queue> <ids...>')
    .description('ends the leases of messages, so that they can be received again')
    .addOption(new Option('--seconds <number>', 'hide them for this long first').argParser(numberOf))
    .action(async (queue: string, ids: string[], { seconds }: { seconds?: number }, command: Command) => {
      const session = await sessionOf(command);
      const input = seconds === undefined ? {} : { delaySeconds: seconds };
      for (const id of ids) {
        const released = await session.call('releaseMessage', { queue, id }, input);
        const text = 'visibleAt' in released ? `can be received at ${released.visibleAt}` : 'is dead-lettered';
        session.print({ id, ...released }, `${id} ${text}.`);
      }
    });
  program
    .command('edit <queue> <id>')
    .description('changes a message that waits; what is left out stays')
    .addOption(new Option('--body <json>', 'the new body').argParser(jsonOf))
    .addOption(new Option('--priority <number>', 'the new priority').argParser(numberOf))
    .action(async (queue: string, id: string, { body, priority }: { body?: never; priority?: number }, command: Command) => {
      if (body === undefined && priority === undefined) throw new UsageError('Give --body, --priority or both.');
      const session = await sessionOf(command);
      const changes = { ...(body !== undefined && { content: { body } }), ...(priority !== undefined && { priority }) };
      session.print(await session.call('updateMessage', { queue, id }, changes), `${id} is changed.`);
    });
  program
    .command('postpone <queue> <id>')
    .description('hides a message that waits')
    .addOption(new Option('--seconds <number>', 'from now').argParser(numberOf).makeOptionMandatory())
    .action(async (queue: string, id: string, { seconds }: { seconds: number }, command: Command) => {
      const session = await sessionOf(command);
      const changed = await session.call('updateMessage', { queue, id }, { delaySeconds: seconds });
      session.print(changed, `${id} can be received at ${changed.visibleAt}.`);
    });
}
