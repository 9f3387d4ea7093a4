/** `npm start`: the local server as a program. */
import { Command, InvalidArgumentError } from 'commander';
import { firstRoundTrip } from './first-round-trip.ts';
import type { LocalData } from './local-dynamodb.ts';
import { createLocalLog } from './local-log.ts';
import { type FirstKey, type LocalServer, startLocal } from './local-server.ts';
import { StartFailure } from './start-failure.ts';

const portDefault = 8420;
const folderDefault = '.dumbwaiter';

interface Options {
  port: number;
  host: string;
  data: string;
  memory?: true;
  allowOrigin: string[];
  verbose?: true;
}

const command = new Command('npm start --')
  .description('Runs the whole queue on this machine.')
  .option('--port <number>', 'port to listen on; 0 for any free one', portOf, portDefault)
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--data <folder>', 'where messages are kept', folderDefault)
  .option('--memory', 'keep messages in memory: they end with the process')
  .option('--allow-origin <origin...>', 'web pages that may call from a browser, such as http://localhost:5173; * for all', [])
  .option('--verbose', 'log each call')
  .addHelpText(
    'after',
    '\nEnvironment: DUMBWAITER_API_KEY, an admin key of your choice; AWS_ENDPOINT_URL_DYNAMODB, another DynamoDB engine.',
  )
  .action(run);

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('A port is a number from 0 to 65535.');
  return port;
}

async function run(options: Options): Promise<void> {
  let server: LocalServer;
  try {
    server = await startLocal({
      data: dataOf(options),
      log: createLocalLog({ calls: options.verbose === true }),
      host: options.host,
      port: options.port,
      allowedOrigins: options.allowOrigin,
      adminKey: process.env.DUMBWAITER_API_KEY || undefined,
    });
  } catch (error) {
    if (!(error instanceof StartFailure)) throw error;
    console.error(error.message);
    process.exitCode = 1;
    return;
  }
  console.log(greeting(server));
  await stopOnSignal(server);
}

function dataOf({ memory, data }: Options): LocalData {
  const endpoint = process.env.AWS_ENDPOINT_URL_DYNAMODB;
  if (endpoint !== undefined && endpoint !== '') return { endpoint };
  return memory === true ? 'memory' : { folder: data };
}

function greeting({ url, dynamodbUrl, place, firstKey }: LocalServer): string {
  return `Dumbwaiter listens on ${url}
Data: ${place}
DynamoDB, for dumbwaiter/direct: ${dynamodbUrl}
${keyLine(firstKey)}

A first round trip, to paste into another shell:

${firstRoundTrip(url, firstKey.from === 'earlier start' ? undefined : firstKey.text)}

Ctrl-C stops it.`;
}

function keyLine(firstKey: FirstKey): string {
  switch (firstKey.from) {
    case 'given':
      return 'API key: as given by DUMBWAITER_API_KEY';
    case 'generated':
      return `API key: ${firstKey.text}\nKeep it: it is not shown again.`;
    case 'earlier start':
      return 'API key: the one shown at the first start. To use another, set DUMBWAITER_API_KEY and start again.';
  }
}

/** A second signal ends the process at once: nothing that was answered with success is lost by it. */
async function stopOnSignal(server: LocalServer): Promise<void> {
  const signalled = new Promise<undefined>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(undefined));
  });
  const death = await Promise.race([signalled, server.died]);
  if (death !== undefined) {
    console.error(death);
    process.exitCode = 1;
  }
  await server.close();
}

if (import.meta.main) await command.parseAsync();
