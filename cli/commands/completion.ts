/** `completion` prints the script of a shell, which calls `complete`. */
import { Argument, type Command } from 'commander';
import { pagesOf } from '../../sdk/calls/pages.ts';
import { candidatesFor, type Named } from '../completion.ts';
import { readContexts } from '../contexts.ts';
import { printerOf, sessionOf } from '../session.ts';
import { scripts, shells } from '../shells.ts';

const impatient = { timeoutMs: 1_000, retries: 0 };
const pageSize = 100;

export function addCompletionCommands(program: Command): void {
  program
    .command('completion')
    .description('prints the script that lets a shell complete commands, options, and names of queues, topics and schedules')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .action((shell: (typeof shells)[number], _: object, command: Command) => {
      printerOf(command).print({ shell, script: scripts[shell] }, scripts[shell].trimEnd());
    });
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .helpOption(false)
    .action(async (words: string[]) => {
      // A context or a URL among the words counts.
      program.parseOptions(words.slice(0, -1));
      const found = await candidatesFor(program, words, (named) => namesOf(program, named));
      for (const { word, text } of found) console.log(text === '' ? word : `${word}\t${text}`);
    });
}

/** None if they cannot be read at once: a completion must not fail, and must not wait. */
async function namesOf(program: Command, named: Named): Promise<readonly string[]> {
  try {
    return await readNames(program, named);
  } catch {
    return [];
  }
}

async function readNames(program: Command, named: Named): Promise<readonly string[]> {
  if (named === 'context') return Object.keys((await readContexts()).deployments);
  const { call } = await sessionOf(program, impatient);
  const page = { limit: pageSize };
  const read = {
    queue: pagesOf(
      page,
      (page) => call('listQueues', {}, page),
      ({ queues }) => queues as { name: string }[],
    ),
    topic: pagesOf(
      page,
      (page) => call('listTopics', {}, page),
      ({ topics }) => topics as { name: string }[],
    ),
    schedule: pagesOf(
      page,
      (page) => call('listSchedules', {}, page),
      ({ schedules }) => schedules as { name: string }[],
    ),
  };
  return (await read[named].all()).map(({ name }) => name);
}
