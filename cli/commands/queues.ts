/** `queues` and `queue`: what there is and how much waits; creating, changing, pausing, purging, deleting. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import type { ListedQueue } from '../../contract/contract.ts';
import { durationText } from '../../contract/duration-text.ts';
import { pagesOf } from '../../sdk/calls/pages.ts';
import { confirm, withYes } from '../confirm.ts';
import { lastHourColumns } from '../last-hour.ts';
import { jsonOf } from '../options.ts';
import { type Session, sessionOf } from '../session.ts';
import type { Column } from '../table.ts';

const pageSize = 50;
const flows = ['published', 'acked', 'failed'] as const;
const watchMs = 2_000;
const clearScreen = '\u001b[2J\u001b[H';

export function addQueueCommands(program: Command): void {
  program
    .command('queues')
    .description('lists the queues with what waits in them')
    .option('--prefix <text>', 'only queues whose names begin so')
    .option('--watch', 'again every two seconds, with rates, until Ctrl-C')
    .action(async ({ prefix, watch }: { prefix?: string; watch?: true }, command: Command) => {
      const session = await sessionOf(command);
      let before: Seen | undefined;
      do {
        const seen = await see(session, prefix);
        if (watch && process.stdout.isTTY) process.stdout.write(clearScreen);
        session.printRows(seen.queues, columnsSince(before, seen.at));
        before = seen;
        if (watch) await delay(watchMs);
      } while (watch);
    });

  const queue = program.command('queue').description('works with one queue');
  const settings = () =>
    new Option('--settings <json>', 'settings of the reference, such as {"visibilityTimeoutSeconds": 60}').argParser(jsonTextOf);
  queue
    .command('create <queue>')
    .description('creates a queue')
    .addOption(settings())
    .action(async (name: string, { settings = '{}' }: { settings?: string }, command: Command) => {
      const session = await sessionOf(command);
      session.print(await session.call('createQueue', { queue: name }, JSON.parse(settings)), `Created ${name}.`);
    });
  queue
    .command('update <queue>')
    .description('changes settings; the others keep their values')
    .addOption(settings().makeOptionMandatory())
    .action(async (name: string, { settings }: { settings: string }, command: Command) => {
      const session = await sessionOf(command);
      session.print(await session.call('updateQueue', { queue: name }, JSON.parse(settings)), `Changed ${name}.`);
    });
  queue
    .command('show <queue>')
    .description('shows settings and counts')
    .action(async (name: string, _: object, command: Command) => {
      const session = await sessionOf(command);
      const read = await session.call('getQueue', { queue: name });
      session.print(read, JSON.stringify(read, null, 2));
    });
  for (const [verb, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const) {
    queue
      .command(`${verb} <queue>`)
      .description(paused ? 'stops deliveries; publishes go on' : 'delivers again')
      .action(async (name: string, _: object, command: Command) => {
        const session = await sessionOf(command);
        session.print(
          await session.call('updateQueue', { queue: name }, { paused }),
          `${name} is ${paused ? 'paused' : 'resumed'}.`,
        );
      });
  }
  withYes(queue.command('purge <queue>').description('removes all messages that were published before')).action(
    async (name: string, { yes }: { yes?: true }, command: Command) => {
      const session = await sessionOf(command);
      await confirm(`Remove all messages of ${name}?`, yes);
      session.print(await session.call('purge', { queue: name }), `${name} is purged.`);
    },
  );
  withYes(queue.command('delete <queue>').description('removes the queue and its messages')).action(
    async (name: string, { yes }: { yes?: true }, command: Command) => {
      const session = await sessionOf(command);
      await confirm(`Delete ${name} and all its messages?`, yes);
      session.print(await session.call('deleteQueue', { queue: name }), `${name} is deleted.`);
    },
  );
}

interface Seen {
  at: number;
  queues: ListedQueue[];
}

async function see({ call }: Session, prefix: string | undefined): Promise<Seen> {
  const input = { limit: pageSize, counts: true, lastHour: true, ...(prefix && { prefix }) };
  const queues = await pagesOf(
    input,
    (page) => call('listQueues', {}, page),
    ({ queues }) => queues,
  ).all();
  return { at: Date.now(), queues };
}

/** With the change of the ready messages a second since an earlier look. */
function columnsSince(before: Seen | undefined, at: number): Column<ListedQueue>[] {
  const count = (state: 'ready' | 'delayed' | 'leased' | 'dead') => ({
    title: state[0]!.toUpperCase() + state.slice(1),
    isNumber: true,
    text: ({ counts }: ListedQueue) => counts && `${counts.atLeast ? '≥' : ''}${counts[state]}`,
  });
  return [
    { title: 'Queue', text: ({ name }) => name },
    count('ready'),
    count('delayed'),
    count('leased'),
    count('dead'),
    {
      title: 'Oldest',
      isNumber: true,
      text: ({ counts }) => (counts?.oldestAgeSeconds == null ? '' : durationText(counts.oldestAgeSeconds)),
    },
    ...lastHourColumns(flows),
    ...(before
      ? [
          {
            title: 'Ready a second',
            isNumber: true,
            text: ({ name, counts }: ListedQueue) => {
              const then = before.queues.find((queue) => queue.name === name)?.counts;
              if (!then || !counts) return '';
              const rate = ((counts.ready - then.ready) * 1000) / (at - before.at);
              return `${rate > 0 ? '+' : ''}${rate.toFixed(1)}`;
            },
          },
        ]
      : []),
    { title: '', text: ({ paused }) => (paused ? 'paused' : '') },
  ];
}

function jsonTextOf(text: string): string {
  jsonOf(text);
  return text;
}
