/** `dead`: dead letters of a dead-letter queue: what they are, and moving them back. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import type { DeathReason, Message, RedriveInput } from '../../contract/contract.ts';
import { withValues, writeJson } from '../../contract/json-values.ts';
import { pagesOf } from '../../sdk/calls/pages.ts';
import { CommandFailure } from '../failure.ts';
import { numberOf } from '../options.ts';
import { startProgress } from '../progress.ts';
import { type Session, sessionOf } from '../session.ts';

const pageSize = 100;
/** Ids of one redrive. */
const idsMax = 100;
const lookMs = 500;

interface Selection {
  reason?: DeathReason;
  from?: string;
  until?: string;
  attribute?: string;
}

interface RedriveOptions extends Selection {
  toQueue?: string;
  rate?: number;
  dryRun?: true;
}

export function addDeadCommands(program: Command): void {
  const dead = program.command('dead').description('looks at dead letters and moves them back');
  const selecting = (command: Command) =>
    command
      .addOption(
        new Option('--reason <reason>', 'only those that died for it').choices([
          'max_receives',
          'expired',
          'rejected',
          'unreadable',
        ]),
      )
      .option('--from <instant>', 'only those that arrived then or later')
      .option('--until <instant>', 'only those that arrived before')
      .option('--attribute <name=value>', 'only those with this attribute');
  selecting(dead.command('list <queue>').description('lists the dead letters of a dead-letter queue')).action(
    async (queue: string, selection: Selection, command: Command) => {
      const session = await sessionOf(command);
      const letters: Message[] = [];
      for await (const letter of selected(session, queue, selection)) letters.push(letter);
      session.printRows(letters, [
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
      console.log(writeJson(await session.call('getMessage', { queue, id })));
    });
  selecting(dead.command('redrive <queue>').description('moves dead letters back to where they died'))
    .option('--to-queue <queue>', 'moves them to this queue instead')
    .addOption(new Option('--rate <number>', 'at most so many a second').argParser(numberOf))
    .option('--dry-run', 'only counts what would be moved')
    .action(async (queue: string, options: RedriveOptions, command: Command) => {
      const session = await sessionOf(command);
      if (options.dryRun || options.attribute !== undefined) await redriveCounted(session, queue, options);
      else await redrive(session, queue, inputOf(options));
    });
}

async function* selected({ call }: Session, queue: string, selection: Selection): AsyncGenerator<Message> {
  const { reason, from, until, attribute } = selection;
  const [name = '', value] = attribute?.split(/=(.*)/s) ?? [];
  const letters = pagesOf(
    { state: 'dead' as const, limit: pageSize },
    (page) => call('peek', { queue }, page),
    ({ messages }) => messages,
  );
  for await (const letter of letters) {
    const at = Date.parse(letter.deadLetter?.at ?? letter.publishedAt);
    const isWanted =
      (reason === undefined || letter.deadLetter?.reason === reason) &&
      (from === undefined || at >= Date.parse(from)) &&
      (until === undefined || at < Date.parse(until)) &&
      (attribute === undefined || String(withValues(letter.attributes)[name]) === value);
    if (isWanted) yield letter;
  }
}

function inputOf({ reason, from, until, toQueue, rate }: RedriveOptions): RedriveInput {
  return {
    ...(reason && { reason }),
    ...(from !== undefined && { from }),
    ...(until !== undefined && { until }),
    ...(toQueue !== undefined && { toQueue }),
    ...(rate !== undefined && { ratePerSecond: rate }),
  };
}

/** Reads the letters first: to count them, or because a redrive selects by no attribute. */
async function redriveCounted(session: Session, queue: string, options: RedriveOptions): Promise<void> {
  const ids: string[] = [];
  for await (const { id } of selected(session, queue, options)) ids.push(id);
  if (options.dryRun) {
    session.print({ dryRun: true, messages: ids.length }, `${ids.length} dead letters would be moved.`);
    return;
  }
  const { reason: _, from: __, until: ___, ...how } = inputOf(options);
  for (let at = 0; at < ids.length; at += idsMax) await redrive(session, queue, { ...how, ids: ids.slice(at, at + idsMax) });
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
  if (task.state === 'failed') throw new CommandFailure(`The redrive failed after ${task.moved} messages: ${task.error}`);
  session.print(task, `${task.moved} moved, ${task.skipped} skipped.`);
}
