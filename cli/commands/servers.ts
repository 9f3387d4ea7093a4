/** `start` and `serve`: the servers, whose code is loaded only for them; and the key of a local server. */
import type { Command } from 'commander';
import { dataFolderDefault } from '../../functions/local/server-options.ts';
import { startCommand } from '../../functions/local/start.ts';
import { serveCommand } from '../../functions/serve/serve.ts';
import { printerOf } from '../session.ts';

export function addServerCommands(program: Command): void {
  // They call no deployment, so their help does not show the options for one.
  for (const server of [startCommand('start', 'npx dumbwaiter-queue local-key'), serveCommand('serve')]) {
    program.addCommand(server.copyInheritedSettings(program).configureHelp({ showGlobalOptions: false }));
  }
  program
    .command('local-key')
    .description('prints the key that "start" generated at its first start; needs no server')
    .option('--data <folder>', 'where the server keeps its data', dataFolderDefault)
    .option('--secret-access-key', 'the secret of the access key, for AWS clients, instead')
    .action(async ({ data, secretAccessKey }: { data: string; secretAccessKey?: true }, command: Command) => {
      const { keyOfFolder } = await import('../../functions/local/key-of-folder.ts');
      const key = await keyOfFolder(data, secretAccessKey === true);
      const named = secretAccessKey ? { secretAccessKey: key } : { apiKey: key };
      printerOf(command).print(named, key);
    });
}
