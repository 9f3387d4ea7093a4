/** `start` and `serve`: the servers, whose code is loaded only for them; and the key of a local server. */
import type { Command } from 'commander';
import { dataFolderDefault } from '../../functions/local/data-folder.ts';

/** Takes all arguments as they are, for a command of its own. */
function delegating(program: Command, name: string, description: string, load: () => Promise<Command>): void {
  program
    .command(name)
    .description(description)
    .argument('[options...]')
    .helpOption(false)
    .allowUnknownOption()
    .action(async (options: string[]) => {
      await (await load()).exitOverride().parseAsync(options, { from: 'user' });
    });
}

export function addServerCommands(program: Command): void {
  delegating(program, 'start', 'runs the whole queue on this machine; "start --help" lists the options', async () => {
    const { startCommand } = await import('../../functions/local/start.ts');
    return startCommand('dumbwaiter start', 'npx dumbwaiter local-key');
  });
  delegating(program, 'serve', 'serves the tables of a deployment; "serve --help" lists the options', async () => {
    const { serveCommand } = await import('../../functions/serve/serve.ts');
    return serveCommand('dumbwaiter serve');
  });
  program
    .command('local-key')
    .description('prints the key that "start" generated at its first start; needs no server')
    .option('--data <folder>', 'where the server keeps its data', dataFolderDefault)
    .option('--secret-access-key', 'the secret of the access key, for AWS clients, instead')
    .action(async ({ data, secretAccessKey }: { data: string; secretAccessKey?: true }) => {
      const { keyOfFolder } = await import('../../functions/local/key-of-folder.ts');
      console.log(await keyOfFolder(data, secretAccessKey === true));
    });
}
