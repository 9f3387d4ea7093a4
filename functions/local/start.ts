/**
 * `npm start`: the options of the local server. `run-start.ts` runs it, and is loaded only then: other programs show these options.
 * This folder runs the whole queue on one machine: `server.ts` assembles it, `dynamodb.ts` opens its store, and `http-server.ts` serves it.
 */
import { Command } from 'commander';
import { loadEnvFile } from './env-file.ts';
import { environmentOption } from './environment-option.ts';
import { forwardOf } from './forward-option.ts';
import type { StartOptions } from './run-start.ts';
import { dataFolderDefault, portDefault, portOf } from './server-options.ts';
import { reportStartFailure } from './start-failure.ts';

/** `name`: how the user calls it. `keyCommand`: prints the key of a data folder. */
export function startCommand(name = 'npm start --', keyCommand = 'npm run -s dumbwaiter -- local-key'): Command {
  return new Command(name)
    .description('Runs the whole queue on this machine.')
    .option('--port <number>', 'port to listen on; 0 for any free one', portOf, portDefault)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--data <folder>', 'where messages are kept', dataFolderDefault)
    .option('--memory', 'keep messages in memory: they end with the process')
    .option('--dynamodb', 'keep messages in an embedded DynamoDB engine, for programs that use it beside the queue')
    .option('--allow-origin <origin...>', 'web pages that may call from a browser, such as http://localhost:5173; * for all', [])
    .option('--allow-host <name...>', 'other names in the Host header to answer, for proxies; only for a loopback address', [])
    .option(
      '--forward <queue=url>',
      'push the messages of a queue to a URL while this runs; may be given several times',
      forwardOf,
      [],
    )
    .option(
      '--seed <file>',
      'create queues, targets, topics, subscriptions, schedules and keys that a YAML or JSON file declares',
    )
    .option('--sqs-anonymous', 'accept calls of SQS with any signature; only for a loopback address')
    .option('--sqs-create-queues', 'create queues that calls of SQS name and that do not exist')
    .option('--localstack-health', 'answer /_localstack/health, for tools that wait for LocalStack; with --port 4566')
    .addOption(environmentOption())
    .option('--verbose', 'log each call')
    .option('--json', 'greet with a line of JSON')
    .addHelpText(
      'after',
      '\nEnvironment: DUMBWAITER_API_KEY, an admin key of your choice; AWS_ENDPOINT_URL_DYNAMODB, another DynamoDB engine.',
    )
    .action(async (_: object, command: Command) => {
      const { runStart } = await import('./run-start.ts');
      await runStart(command.optsWithGlobals<StartOptions>(), keyCommand);
    });
}

if (import.meta.main) {
  loadEnvFile();
  await reportStartFailure(startCommand().parseAsync());
}
