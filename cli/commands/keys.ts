/** `keys`: creating, listing and revoking API keys. A key is printed only when it is created. */
import { type Command, Option } from 'commander';
import type { Scope } from '../../contract/contract.ts';
import { pagesOf } from '../../sdk/calls/pages.ts';
import { sessionOf } from '../session.ts';

const pageSize = 100;
const scopes: readonly Scope[] = ['publish', 'receive', 'admin'];

export function addKeyCommands(program: Command): void {
  const keys = program.command('keys').description('creates, lists and revokes API keys');
  keys
    .command('list', { isDefault: true })
    .description('lists them, without their secrets')
    .action(async (_: object, command: Command) => {
      const session = await sessionOf(command);
      const found = await pagesOf({ limit: pageSize }, async (page) => {
        const { keys, cursor } = await session.call('listKeys', {}, page);
        return [keys, cursor];
      }).all();
      session.printRows(found, [
        { title: 'Id', text: ({ id }) => id },
        { title: 'Name', text: ({ name }) => name },
        { title: 'Scopes', text: (key) => key.scopes.join(',') },
        { title: 'Queues', text: ({ queues }) => queues.join(',') },
        { title: 'Last used', text: ({ lastUsedAt }) => lastUsedAt ?? 'never' },
        { title: 'Expires', text: ({ expiresAt }) => expiresAt ?? 'never' },
      ]);
    });
  keys
    .command('create <name>')
    .description('creates a key and prints it, only this once')
    .option('--queues <patterns>', 'queues that it covers, separated by commas; * stands for any characters', '*')
    .addOption(new Option('--scopes <scopes...>', 'what it may do').choices(scopes).makeOptionMandatory())
    .option('--expires <instant>', 'when it stops working')
    .action(async (name: string, options: { queues: string; scopes: Scope[]; expires?: string }, command: Command) => {
      const session = await sessionOf(command);
      const { queues, expires } = options;
      const input = {
        name,
        queues: queues.split(','),
        scopes: options.scopes,
        ...(expires !== undefined && { expiresAt: expires }),
      };
      const created = await session.call('createKey', {}, input);
      console.error(`Key ${created.id} (${name}). It is shown only once:`);
      session.print(created, created.key);
    });
  keys
    .command('revoke <id>')
    .description('revokes a key: it stops working everywhere within a minute')
    .action(async (id: string, _: object, command: Command) => {
      const session = await sessionOf(command);
      session.print(await session.call('revokeKey', { id }), `${id} is revoked.`);
    });
}
