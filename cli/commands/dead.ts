/** `dead`: dead letters of a dead-letter queue: what they are, and moving them back. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import type { Message, MessageFilter, RedriveInput } from '../../contract/contract.ts';
import { plural } from '../../contract/plural.ts';
import { isRedrivable } from '../../contract/redrivable.ts';
import { CommandFailure } from '../failure.ts';
import { filterOf, messagesOf, withFilters } from '../filters.ts';
import { numberOf } from '../options.ts';
import { startProgress } from '../progress.ts';
import { type Session, sessionOf } from '../session.ts';

const lookMs = 500;

interface RedriveOptions extends MessageFilter {
  toQueue?: string;
  rate?: number;
  dryRun?: true;
}

export function addDeadCommands(program: Command): void {
  const dead = program.command('dead').description('looks at dead letters and moves them back');
  withFilters(dead.command('list <queue>').description('lists the dead letters of a dead-letter queue')).action(
    async (queue: string, filter: MessageFilter, command: Command) => {
      const session = await sessionOf(command);
      const found: Message[] = [];
      for await (const message of messagesOf(session, queue, filterOf(filter))) if (isRedrivable(message)) found.push(message);
      session.printRows(found, [
        { title: 'Id', text: ({ id }) => id },
        { title: 'Died in', text: ({ deadLetter }) => deadLetter?.queue },
        { title: 'At', text: ({ deadLetter }) => deadLetter?.at },
        { title: 'Reason', text: ({ deadLetter }) => deadLetter?.reason },
        { title: 'Receives', isNumber: true, text: ({ deadLetter }) => deadLetter?.receives },
        { title: 'Last failure', text: ({ deadLetter }) => deadLetter?.text },
      ]);
    },
  );
  dead
    .command('show <queue> <id>')
    .description('shows a dead letter whole')
    .action(async (queue: string, id: string, _: object, command: Command) => {
      const session = await sessionOf(command);
      session.printJson(await session.call('getMessage', { queue, id }));
    });
  withFilters(dead.command('redrive <queue>').description('moves dead letters back to where they died'))
    .option('--to-queue <queue>', 'moves them to this queue instead')
    .addOption(new Option('--rate <number>', 'the maximum number of messages to move per second').argParser(numberOf))
    .option('--dry-run', 'only counts what would be moved')
    .action(async (queue: string, options: RedriveOptions, command: Command) => {
      const session = await sessionOf(command);
      const { toQueue, rate, dryRun } = options;
      const filter = filterOf(options);
      const how = { ...(toQueue !== undefined && { toQueue }), ...(rate !== undefined && { ratePerSecond: rate }) };
      if (dryRun) await count(session, queue, filter, toQueue);
      else await redrive(session, queue, { ...filter, ...how });
    });
}

async function count(session: Session, queue: string, filter: MessageFilter, toQueue: string | undefined): Promise<void> {
  const progress = startProgress('dead letters found', undefined);
  let found = 0;
  for await (const { items } of messagesOf(session, queue, filter).pages()) {
    const movable = items.filter((message) => isRedrivable(message, toQueue)).length;
    found += movable;
    progress.add(movable);
  }
  progress.end();
  session.print({ dryRun: true, messages: found }, `${found} ${plural(found, 'dead letter')} would be moved.`);
}

async function redrive(session: Session, queue: string, input: RedriveInput): Promise<void> {
  const progress = startProgress('dead letters moved', undefined);
  let task = await session.call('redrive', { queue }, input);
  let moved = 0;
  while (task.state === 'running') {
    await delay(lookMs);
    task = await session.call('getRedrive', { queue, task: task.id });
    progress.add(task.moved - moved);
    moved = task.moved;
  }
  progress.end();
  if (task.state === 'failed')
    throw new CommandFailure(`The redrive failed after ${task.moved} ${plural(task.moved, 'message')}: ${task.error}`);
  session.print(task, `${task.moved} moved, ${task.skipped} skipped.`);
}
