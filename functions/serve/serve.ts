/**
 * `npm run serve`, and the program of the container: the queue of a deployment on a port, for any number of instances side by side.
 * `deployment.ts` opens the tables, and `functions/local/` has the parts that `npm start` uses too.
 */
import { Command, Option } from 'commander';
import { defined } from '../../contract/defined.ts';
import { timeLimitsDefault } from '../local/http-server.ts';
import { portDefault, portOf } from '../local/port-option.ts';
import { type ServingQueue, serveQueue } from '../local/serve-queue.ts';
import { StartFailure } from '../local/start-failure.ts';
import { stopOnSignal } from '../local/stop-on-signal.ts';
import type { Log } from '../service/log.ts';
import { publicHostsAnd } from '../service/outgoing-post.ts';
import { type Deployment, openDeployment } from './deployment.ts';
import { createJsonLog } from './json-log.ts';

/** From a signal to the end of the process. Container runtimes kill a process ten seconds after the signal. */
const stopMsMax = 8_000;

interface Options {
  host: string;
  port: number;
  messagesTable?: string;
  leasesTable?: string;
  queuesTable?: string;
  adminKeySecret?: string;
  accessKeySecret?: string;
  pushAllowedHosts: string;
  allowOrigin: string[];
}

const tableOptions = {
  messages: { name: 'messagesTable', flag: '--messages-table', variable: 'DUMBWAITER_MESSAGES_TABLE' },
  leases: { name: 'leasesTable', flag: '--leases-table', variable: 'DUMBWAITER_LEASES_TABLE' },
  queues: { name: 'queuesTable', flag: '--queues-table', variable: 'DUMBWAITER_QUEUES_TABLE' },
} as const;

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
    .option(
      '--allow-origin <origin...>',
      'web pages that may call from a browser, such as https://console.example; * for all',
      [],
    )
    .addHelpText(
      'after',
      '\nEnvironment: DUMBWAITER_API_KEY, an admin key of your choice instead of the secret. AWS credentials and the region as for every AWS program.',
    )
    .action(run);
  return command;
}

async function run(options: Options): Promise<void> {
  const log = createJsonLog();
  try {
    const deployment = await openDeployment({
      tables: tablesOf(options),
      adminKey: process.env.DUMBWAITER_API_KEY || undefined,
      adminKeySecret: options.adminKeySecret || undefined,
      accessKeySecret: options.accessKeySecret || undefined,
    });
    await serve(deployment, options, log);
  } catch (error) {
    if (!(error instanceof StartFailure)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

function tablesOf(options: Options) {
  const missing = Object.values(tableOptions).filter(({ name }) => !options[name]);
  if (missing.length > 0) {
    const names = missing.map(({ flag, variable }) => `${variable} (or ${flag})`).join(', ');
    throw new StartFailure(`Not set: ${names}. The outputs of the deployed stack name the tables.`);
  }
  const { messagesTable: messages, leasesTable: leases, queuesTable: queues } = options;
  return { messages: messages!, leases: leases!, queues: queues! };
}

async function serve(
  { parts, adminKey, accessKeys, invoke, checkFunction, region, close }: Deployment,
  options: Options,
  log: Log,
): Promise<void> {
  let queue: ServingQueue;
  try {
    queue = await serveQueue({
      parts,
      log,
      host: options.host,
      port: options.port,
      timeLimits: timeLimitsDefault,
      adminKey,
      ...defined({ accessKeys }),
      // A caller with an API key must not reach the private network by the URL of a check-back or a target.
      hosts: publicHostsAnd(options.pushAllowedHosts.split(',')),
      invoke,
      checkFunction,
      region,
      allowedOrigins: options.allowOrigin,
    });
  } catch (error) {
    close();
    throw error;
  }
  const stop = () => {
    endInTime(log);
    return queue.stop();
  };
  const stopped = stopOnSignal({ died: new Promise(() => {}), close: stop });
  log.info('Listening', { url: queue.url, region });
  await stopped;
  log.info('Stopped', {});
  close();
}

/** What still runs after `stopMsMax` ends with the process, as in a crash, and loses nothing that was acknowledged. */
function endInTime(log: Log): void {
  const end = () => {
    log.warn('Stopped before everything had ended', { ms: stopMsMax });
    process.exit();
  };
  setTimeout(end, stopMsMax).unref();
}

if (import.meta.main) await serveCommand().parseAsync();
