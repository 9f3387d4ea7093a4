/**
 * The command line: `dumbwaiter`. `commands/` has a file for each kind of command, and `session.ts` what they share. A command ends with 0;
 * with 1 if it was refused or failed; with 2 if it was called wrongly.
 */
import { Command, CommanderError, Option } from 'commander';
import { DumbwaiterError } from '../contract/errors.ts';
import { version } from '../contract/version.ts';
import { StartFailure } from '../functions/local/start-failure.ts';
import { addAuditCommand } from './commands/audit.ts';
import { addBenchCommand } from './commands/bench.ts';
import { addCompletionCommands } from './commands/completion.ts';
import { addContextCommands } from './commands/contexts.ts';
import { addDeadCommands } from './commands/dead.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addKeyCommands } from './commands/keys.ts';
import { addMessageCommands } from './commands/messages.ts';
import { addPeekCommand } from './commands/peek.ts';
import { addPublishCommands } from './commands/publish.ts';
import { addQueueCommands } from './commands/queues.ts';
import { addReceiveCommands } from './commands/receive.ts';
import { addScheduleCommands } from './commands/schedules.ts';
import { addServerCommands } from './commands/servers.ts';
import { addTopicCommands } from './commands/topics.ts';
import { addTransferCommands } from './commands/transfer.ts';
import { addExamples } from './examples.ts';
import { CommandFailure, usageExitCode } from './failure.ts';

export function createProgram(): Command {
  const program = new Command('dumbwaiter')
    .description('Runs a queue on this machine; looks at the queues of a deployment, and works with their messages.')
    .version(version, '--version', 'prints the version')
    .addOption(new Option('--url <url>', 'of the deployment').env('DUMBWAITER_URL'))
    .addOption(new Option('--api-key <key>', 'the API key').env('DUMBWAITER_API_KEY'))
    .option('--context <name>', 'a deployment that "context add" named; default: the one of "context use"')
    .option('--json', 'prints JSON: one value, or a line for each row')
    .addHelpText(
      'after',
      `
Examples:
  dumbwaiter start
  dumbwaiter context add local --url http://127.0.0.1:8420 --api-key dw_…
  dumbwaiter queues --watch
  dumbwaiter publish orders '{"order": 4711}'
  dumbwaiter receive orders --ack
  dumbwaiter dead redrive orders-dead --reason rejected --dry-run`,
    )
    .configureHelp({ showGlobalOptions: true })
    .exitOverride();
  for (const add of [
    addServerCommands,
    addContextCommands,
    addQueueCommands,
    addPublishCommands,
    addReceiveCommands,
    addMessageCommands,
    addPeekCommand,
    addDeadCommands,
    addTopicCommands,
    addScheduleCommands,
    addKeyCommands,
    addAuditCommand,
    addTransferCommands,
    addDoctorCommand,
    addBenchCommand,
    addCompletionCommands,
  ]) {
    add(program);
  }
  addExamples(program);
  return program;
}

/** Runs the arguments. Resolves with the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has printed its own errors, and help and version end with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : usageExitCode;
    if (error instanceof DumbwaiterError) {
      console.error(`${error.code}: ${error.message}`);
      return 1;
    }
    if (!(error instanceof CommandFailure || error instanceof StartFailure)) throw error;
    console.error(error.message);
    return error.exitCode;
  }
}
