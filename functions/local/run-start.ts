/**
 * Runs the local server until a signal ends it, and greets the user. `start.ts` has its options; this file loads the server.
 */
import type { Environment } from '../../contract/contract.ts';
import type { Seed } from '../service/seed.ts';
import type { FirstAccessKey, FirstKey } from './first-keys.ts';
import type { Forward } from './forward-option.ts';
import type { DynamodbAccess, LocalData } from './local-store.ts';
import { createServerLog } from './log.ts';
import { type LocalServer, startLocal } from './server.ts';
import { dataFolderDefault } from './server-options.ts';
import { stopOnSignal } from './stop-on-signal.ts';

export interface StartOptions {
  port: number;
  host: string;
  data: string;
  memory?: true;
  dynamodb?: true;
  allowOrigin: string[];
  allowHost: string[];
  forward: Forward[];
  seed?: string;
  sqsAnonymous?: true;
  sqsCreateQueues?: true;
  localstackHealth?: true;
  environment?: Environment;
  verbose?: true;
  json?: true;
}

/** `keyCommand`: prints the key of a data folder. Throws StartFailure. */
export async function runStart(options: StartOptions, keyCommand: string): Promise<void> {
  const server = await startLocal({
    data: dataOf(options),
    dynamodb: options.dynamodb === true,
    log: createServerLog({
      service: 'dumbwaiter-start',
      isTerminal: process.stderr.isTTY === true,
      calls: options.verbose === true,
      write: (line) => console.error(line),
    }),
    host: options.host,
    port: options.port,
    allowedOrigins: options.allowOrigin,
    allowedHosts: options.allowHost,
    forwards: options.forward,
    ...(options.seed !== undefined && { seed: await readSeed(options.seed) }),
    sqsAnonymous: options.sqsAnonymous === true,
    sqsCreatesQueues: options.sqsCreateQueues === true,
    localstackHealth: options.localstackHealth === true,
    environment: options.environment,
    adminKey: process.env.DUMBWAITER_API_KEY || undefined,
  });
  // Before the greeting: a program that waits for it may send a signal at once.
  const stopped = stopOnSignal(server);
  console.log(options.json ? JSON.stringify(accessOf(server)) : greeting(server, options, keyCommand));
  await stopped;
}

/** The parser of YAML is loaded only for this. */
async function readSeed(file: string): Promise<Seed> {
  const { readSeedFile } = await import('./seed-file.ts');
  return readSeedFile(file);
}

function dataOf({ memory, data }: StartOptions): LocalData['place'] {
  const endpoint = process.env.AWS_ENDPOINT_URL_DYNAMODB;
  if (endpoint !== undefined && endpoint !== '') return { endpoint };
  return memory === true ? 'memory' : { folder: data };
}

/** What a program needs to call the server. Keys only at the start that issued them, as in the greeting. */
function accessOf({ url, place, firstKey, firstAccessKey, dynamodb }: LocalServer): object {
  const { accessKeyId, secretAccessKey, isNew } = firstAccessKey ?? {};
  return {
    url,
    data: place,
    ...(firstKey.from === 'generated' && { apiKey: firstKey.text }),
    ...(accessKeyId !== undefined && { sqs: { endpoint: url, accessKeyId, ...(isNew && { secretAccessKey }) } }),
    ...(dynamodb && { dynamodb }),
  };
}

function greeting(
  { url, dynamodb, place, firstKey, firstAccessKey }: LocalServer,
  { data, forward, sqsAnonymous }: StartOptions,
  keyCommand: string,
): string {
  const show = `${keyCommand}${data === dataFolderDefault ? '' : ` --data '${data.replaceAll("'", "'\\''")}'`}`;
  const { line, key } = keyTexts(firstKey, show);
  return [
    `Dumbwaiter listens on ${url}\nData: ${place}\n${line}`,
    ...(forward.length === 0 ? [] : [forward.map((one) => `Messages of ${one.queue} go to ${one.url}`).join('\n')]),
    ...(dynamodb === undefined
      ? []
      : [
          'For programs that use DynamoDB beside the queue (dumbwaiter-queue/direct), to paste into their shell:',
          dynamodbExports(dynamodb),
        ]),
    ...sqsLines(url, sqsAnonymous ? anonymous : firstAccessKey, show),
    'A first round trip, to paste into another shell:',
    firstRoundTrip(url, key),
    'Ctrl-C stops it.',
  ].join('\n\n');
}

/** The line about the API key, and its value for the shell if it can be shown. A key that the user gave is not printed. */
function keyTexts(firstKey: FirstKey, show: string): { line: string; key?: string } {
  switch (firstKey.from) {
    case 'given':
      return { line: 'API key: as given by DUMBWAITER_API_KEY' };
    case 'generated':
      return { line: `API key: ${firstKey.text}`, key: firstKey.text };
    case 'folder':
      return { line: `API key: generated at the first start; "${show}" prints it.`, key: `$(${show})` };
    case 'elsewhere':
      return { line: 'API key: created earlier. To use another, set DUMBWAITER_API_KEY and start again.' };
  }
}

function dynamodbExports({ endpoint, region, accessKeyId }: DynamodbAccess): string {
  return [
    `export AWS_ENDPOINT_URL_DYNAMODB=${endpoint}`,
    `export AWS_REGION=${region}`,
    ...(accessKeyId === undefined ? [] : [`export AWS_ACCESS_KEY_ID=${accessKeyId}`, 'export AWS_SECRET_ACCESS_KEY=local']),
  ].join('\n');
}

/** Clients do not send a request without credentials. Any will do. */
const anonymous: FirstAccessKey = { accessKeyId: 'anonymous', secretAccessKey: 'anonymous', isNew: true };

/** The secret is printed only at the start that issued it. Later, a command prints it. */
function sqsLines(url: string, accessKey: FirstAccessKey | undefined, show: string): string[] {
  if (!accessKey) return [];
  const { accessKeyId, secretAccessKey, isNew } = accessKey;
  return [
    'For programs that use SQS, to paste into their shell:',
    [
      `export AWS_ENDPOINT_URL_SQS=${url}`,
      // The AWS CLI and boto3 read the second name only.
      'export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1',
      `export AWS_ACCESS_KEY_ID=${accessKeyId}`,
      `export AWS_SECRET_ACCESS_KEY=${isNew ? secretAccessKey : `$(${show} --secret-access-key)`}`,
    ].join('\n'),
  ];
}

/** Shell commands that show a new user a first round trip. `key`: a key, or a shell substitution that prints it. */
function firstRoundTrip(url: string, key: string | undefined): string {
  const auth = `-H "authorization: Bearer $DUMBWAITER_API_KEY"`;
  const json = `-H 'content-type: application/json'`;
  const queue = '"$DUMBWAITER_URL/v1/queues/hello';
  return [
    `export DUMBWAITER_URL=${url}`,
    ...(key === undefined ? [] : [`export DUMBWAITER_API_KEY=${key}`]),
    `curl -sSw '\\n' -X PUT ${queue}" ${auth}`,
    `curl -sSw '\\n' ${queue}/publish" ${auth} ${json} -d '{"messages":[{"body":"Hello, world"}]}'`,
    `RECEIPT=$(curl -sSw '\\n' -X POST ${queue}/receive" ${auth} | tee /dev/stderr | sed -n 's/.*"receipt":"\\([^"]*\\)".*/\\1/p')`,
    `curl -sSw '\\n' ${queue}/ack" ${auth} ${json} -d "{\\"receipts\\":[\\"$RECEIPT\\"]}"`,
  ].join('\n');
}
