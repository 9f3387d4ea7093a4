/**
 * `npm run serve`, and the program of the container: the queue of a deployment on a port, for any number of instances side by side.
 * These are its options. `run-serve.ts` runs it, `deployment.ts` opens the tables, and `functions/local/` has the parts that `npm start`
 * uses too.
 */
import { Command, Option } from 'commander';
import { loadEnvFile } from '../local/env-file.ts';
import { environmentOption } from '../local/environment-option.ts';
import { portDefault, portOf } from '../local/server-options.ts';
import { reportStartFailure } from '../local/start-failure.ts';
import { type ServeOptions, tableOptions } from './serve-options.ts';

/** `name`: how the user calls it. */
export function serveCommand(name = 'npm run serve --'): Command {
  const command = new Command(name)
    .description('Serves the queue of a deployment, on its DynamoDB tables. Any number of these servers may run side by side.')
    .addOption(new Option('--host <address>', 'address to listen on').env('DUMBWAITER_HOST').default('0.0.0.0'))
    .addOption(new Option('--port <number>', 'port to listen on').env('DUMBWAITER_PORT').argParser(portOf).default(portDefault));
  for (const [table, { flag, variable }] of Object.entries(tableOptions)) {
    command.addOption(new Option(`${flag} <name>`, `the table of ${table}`).env(variable));
  }
  command
    .addOption(
      new Option('--admin-key-secret <arn>', 'the secret that holds the first admin key').env('DUMBWAITER_ADMIN_KEY_SECRET'),
    )
    .addOption(
      new Option('--access-key-secret <arn>', 'the secret of access keys, to serve SQS').env('DUMBWAITER_ACCESS_KEY_SECRET'),
    )
    .addOption(
      new Option(
        '--push-allowed-hosts <hosts>',
        'hosts with private addresses that messages may be pushed to, separated by commas',
      )
        .env('DUMBWAITER_PUSH_ALLOWED_HOSTS')
        .default(''),
    )
    .addOption(environmentOption())
    .option(
      '--allow-origin <origin...>',
      'web pages that may call from a browser, such as https://console.example; * for all',
      [],
    )
    .addHelpText(
      'after',
      '\nEnvironment: DUMBWAITER_API_KEY, an admin key of your choice instead of the secret. AWS credentials and the region as for every AWS program.',
    )
    .action(async (options: ServeOptions) => {
      const { runServe } = await import('./run-serve.ts');
      await runServe(options);
    });
  return command;
}

export async function serveProgram(): Promise<void> {
  loadEnvFile();
  await reportStartFailure(serveCommand().parseAsync());
}

if (import.meta.main) await serveProgram();
