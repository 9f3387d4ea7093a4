/** `keys`: creating, listing and revoking API keys. A key is printed only when it is created. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Scope } from '../../contract/contract.ts';
import { scopes } from '../../contract/scopes.ts';
import { pagesOf } from '../../sdk/calls/pages.ts';
import { sessionOf } from '../session.ts';

const pageSize = 100;

interface NewKey {
  queues?: string[];
  topics?: string[];
  scopes: Scope[];
  expires?: string;
  accessKey?: true;
}

export function addKeyCommands(program: Command): void {
  const keys = program.command('keys').description('creates, lists and revokes API keys');
  keys
    .command('list', { isDefault: true })
    .description('lists them, without their secrets')
    .action(async (_: object, command: Command) => {
      const session = await sessionOf(command);
      const found = await pagesOf(
        { limit: pageSize },
        (page) => session.call('listKeys', {}, page),
        ({ keys }) => keys,
      ).all();
      session.printRows(found, [
        { title: 'Id', text: ({ id }) => id },
        { title: 'Name', text: ({ name }) => name },
        { title: 'Scopes', text: (key) => key.scopes.join(',') },
        { title: 'Queues', text: ({ queues }) => queues.join(',') },
        { title: 'Topics', text: ({ topics }) => topics.join(',') },
        { title: 'Last used', text: ({ lastUsedAt }) => lastUsedAt ?? 'never' },
        { title: 'Expires', text: ({ expiresAt }) => expiresAt ?? 'never' },
      ]);
    });
  keys
    .command('create <name>')
    .description('creates a key and prints it, only this once')
    .option(
      '--queues <patterns>',
      'queues that it covers, separated by commas; * stands for any characters; default: all, or none with --topics',
      patternsOf,
    )
    .option('--topics <patterns>', 'topics that it covers, likewise; default: all with all queues, otherwise none', patternsOf)
    .addOption(new Option('--scopes <scopes...>', 'what it may do').choices(scopes).argParser(scopesOf).makeOptionMandatory())
    .option('--expires <instant>', 'when it stops working, such as 2027-01-31T00:00:00Z; default: never')
    .option('--access-key', 'also issues an access key, by which AWS clients sign calls of SQS')
    .action(async (name: string, { expires, ...options }: NewKey, command: Command) => {
      const session = await sessionOf(command);
      const queues = options.queues ?? (options.topics ? [] : ['*']);
      const created = await session.call(
        'createKey',
        {},
        { ...options, name, queues, ...(expires !== undefined && { expiresAt: expires }) },
      );
      console.error(`Key ${created.id} (${name}). It is shown only once:`);
      const { key, accessKeyId, secretAccessKey } = created;
      const accessKey = `export AWS_ACCESS_KEY_ID=${accessKeyId}\nexport AWS_SECRET_ACCESS_KEY=${secretAccessKey}`;
      session.print(created, secretAccessKey === undefined ? key : `${key}\n${accessKey}`);
    });
  keys
    .command('revoke <id>')
    .description('revokes a key: it stops working everywhere within a minute')
    .action(async (id: string, _: object, command: Command) => {
      const session = await sessionOf(command);
      session.print(await session.call('revokeKey', { id }), `${id} is revoked.`);
    });
}

const patternsOf = (text: string) => (text === '' ? [] : text.split(','));

/** Several words, or one with commas. */
function scopesOf(text: string, before: readonly Scope[] = []): Scope[] {
  return [
    ...before,
    ...text.split(',').map((name) => {
      const scope = scopes.find((known) => known === name);
      if (scope === undefined) throw new InvalidArgumentError(`There are the scopes ${scopes.join(', ')}.`);
      return scope;
    }),
  ];
}
