/** `npm run keys`: creates, lists and revokes API keys over HTTP, using an admin key. It also prints the key of a local server. */
import { Command, Option } from 'commander';
import type { InputOf, OperationName, OutputOf, Page, ParamsOf, Scope } from '../../contract/contract.ts';
import { type Route, routes } from '../../contract/routes.ts';
import { dataFolderDefault } from './data-folder.ts';
import { keyOfFolder } from './key-of-folder.ts';
import { StartFailure } from './start-failure.ts';

interface Connection {
  url?: string;
  apiKey?: string;
}

interface NewKey {
  queues?: string;
  topics?: string;
  scopes: string;
  expires?: string;
  accessKey?: true;
}

/** The server refused the call or cannot be reached. The message is one line for the user. */
class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
}

const command = new Command('npm run keys --')
  .description('Creates, lists and revokes API keys. Needs a key of the scope admin on all queues.')
  .addOption(new Option('--url <url>', 'of the queue').env('DUMBWAITER_URL'))
  .addOption(new Option('--api-key <key>', 'that may administer keys').env('DUMBWAITER_API_KEY'));

command
  .command('create <name>')
  .description('creates a key and prints it, only this once')
  .option('--queues <patterns>', 'queues that it covers, separated by commas; * stands for any characters; default: all')
  .option('--topics <patterns>', 'topics that it covers, likewise; default: all with all queues, otherwise none')
  .requiredOption('--scopes <scopes>', 'what it may do: publish, receive, admin, separated by commas')
  .option('--expires <instant>', 'when it stops working, such as 2027-01-31T00:00:00Z; default: never')
  .option('--access-key', 'also issues an access key, by which AWS clients sign calls of SQS')
  .action(async (name: string, { queues, topics, scopes, expires, accessKey }: NewKey) => {
    const input = {
      name,
      queues: patternsOf(queues ?? (topics === undefined ? '*' : '')),
      ...(topics === undefined ? {} : { topics: patternsOf(topics) }),
      scopes: scopes.split(',') as Scope[],
      ...(expires === undefined ? {} : { expiresAt: expires }),
      ...(accessKey ? { accessKey } : {}),
    };
    const { key, id, accessKeyId, secretAccessKey } = await call('createKey', {}, input);
    console.error(`Key ${id} (${name}). It is shown only once:`);
    console.log(key);
    if (secretAccessKey === undefined) return;
    console.log(`export AWS_ACCESS_KEY_ID=${accessKeyId}\nexport AWS_SECRET_ACCESS_KEY=${secretAccessKey}`);
  });

command
  .command('list')
  .description('lists the keys, without their secrets')
  .action(async () => {
    let page: Page = {};
    for (;;) {
      const { keys, cursor } = await call('listKeys', {}, page);
      for (const { id, name, scopes, queues, topics, createdAt, expiresAt, lastUsedAt } of keys) {
        const times = [createdAt, `expires ${expiresAt ?? 'never'}`, `used ${lastUsedAt ?? 'never'}`];
        console.log([id, ...times, scopes.join(','), queues.join(','), topics.join(','), name].join('\t'));
      }
      if (cursor === undefined) return;
      page = { cursor };
    }
  });

command
  .command('revoke <id>')
  .description('revokes a key: it stops working everywhere within a minute')
  .action(async (id: string) => {
    await call('revokeKey', { id }, {});
    console.error(`Key ${id} is revoked.`);
  });

command
  .command('show')
  .description('prints the key that a local server generated at its first start; needs no server')
  .option('--data <folder>', 'where the server keeps its data', dataFolderDefault)
  .option('--secret-access-key', 'prints the secret of the access key, for AWS clients, instead')
  .action(async ({ data, secretAccessKey }: { data: string; secretAccessKey?: true }) => {
    console.log(await keyOfFolder(data, secretAccessKey === true));
  });

function patternsOf(text: string): string[] {
  return text === '' ? [] : text.split(',');
}

async function call<Name extends OperationName>(
  operation: Name,
  params: ParamsOf<Name>,
  input: InputOf<Name>,
): Promise<OutputOf<Name>> {
  const { url, apiKey } = command.opts<Connection>();
  if (url === undefined) throw new CommandFailure('Name the server by --url or DUMBWAITER_URL.');
  if (apiKey === undefined) throw new CommandFailure('Give an admin key by --api-key or DUMBWAITER_API_KEY.');
  const response = await request(url, apiKey, routes[operation], params, input);
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return answer as OutputOf<Name>;
  const detail = typeof answer === 'object' && answer !== null && 'detail' in answer ? answer.detail : response.statusText;
  throw new CommandFailure(`${response.status}: ${detail}`);
}

async function request(url: string, apiKey: string, { method, path }: Route, params: object, input: object): Promise<Response> {
  const values = new Map(Object.entries(params));
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(values.get(name))));
  const query = method === 'POST' ? '' : `?${new URLSearchParams(Object.entries(input))}`;
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
  try {
    return await fetch(`${url.replace(/\/+$/, '')}${filled}${query}`, {
      method,
      headers,
      ...(method === 'POST' ? { body: JSON.stringify(input) } : {}),
    });
  } catch (cause) {
    throw new CommandFailure(`${url} cannot be reached: ${cause instanceof Error ? (cause.cause ?? cause.message) : cause}`, {
      cause,
    });
  }
}

try {
  await command.parseAsync();
} catch (error) {
  if (!(error instanceof CommandFailure || error instanceof StartFailure)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
