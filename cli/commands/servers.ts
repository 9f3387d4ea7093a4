/** `start` and `serve`: the servers, whose code is loaded only for them; and the key of a local server. */
import type { Command } from 'commander';
import { dataFolderDefault } from '../../functions/local/server-options.ts';
import { startCommand } from '../../functions/local/start.ts';
import { serveCommand } from '../../functions/serve/serve.ts';
import { CommandFailure } from '../failure.ts';
import { printerOf } from '../session.ts';

export function addServerCommands(program: Command): void {
  // They call no deployment, so their help does not show the options for one.
  for (const server of [startCommand('start', 'npx dumbwaiter-queue local-key'), serveCommand('serve')]) {
    program.addCommand(
      server.copyInheritedSettings(program).configureHelp({ showGlobalOptions: false }).hook('preAction', requireNode),
    );
  }
  program
    .command('local-key')
    .description('prints the key that "start" generated at its first start; needs no server')
    .option('--data <folder>', 'where the server keeps its data', dataFolderDefault)
    .option('--secret-access-key', 'the secret of the access key, for AWS clients, instead')
    .hook('preAction', requireNode)
    .action(async ({ data, secretAccessKey }: { data: string; secretAccessKey?: true }, command: Command) => {
      const { keyOfFolder } = await import('../../functions/local/key-of-folder.ts');
      const key = await keyOfFolder(data, secretAccessKey === true);
      const named = secretAccessKey ? { secretAccessKey: key } : { apiKey: key };
      printerOf(command).print(named, key);
    });
}

/** The other commands work with Node 20 too. Node 22.13 is the first with SQLite. Throws CommandFailure. */
function requireNode(): void {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 13)) return;
  throw new CommandFailure(`This command needs Node 24, and this is Node ${process.versions.node}.`);
}
