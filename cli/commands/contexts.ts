/** `context`: names deployments, so that commands need no URL and key. */
import type { Command } from 'commander';
import { readContexts, writeContexts } from '../contexts.ts';
import { CommandFailure } from '../failure.ts';
import { type GlobalOptions, printerOf } from '../session.ts';

export function addContextCommands(program: Command): void {
  const context = program.command('context').description('names deployments');
  context
    .command('add <name>')
    .description('keeps the URL and the key under a name, in a file that only you can read, and uses it')
    .action(async (name: string, _: object, command: Command) => {
      const { url, apiKey } = command.optsWithGlobals<GlobalOptions>();
      if (url === undefined || apiKey === undefined) throw new CommandFailure('Give --url and --api-key.');
      const { deployments } = await readContexts();
      await writeContexts({ current: name, deployments: { ...deployments, [name]: { url, apiKey } } });
      printerOf(command).print({ name, url }, `Commands use ${name} (${url}) from now on.`);
    });
  context
    .command('use <name>')
    .description('uses this deployment from now on')
    .action(async (name: string, _: object, command: Command) => {
      const contexts = await readContexts();
      if (!contexts.deployments[name]) throw new CommandFailure(`There is no context "${name}"; "context list" shows all.`);
      await writeContexts({ ...contexts, current: name });
      printerOf(command).print({ name }, `Commands use ${name} from now on.`);
    });
  context
    .command('list')
    .description('lists the names and URLs, without the keys')
    .action(async (_: object, command: Command) => {
      const { current, deployments } = await readContexts();
      const rows = Object.entries(deployments).map(([name, { url }]) => ({ name, url, isCurrent: name === current }));
      printerOf(command).printRows(rows, [
        { title: '', text: ({ isCurrent }) => (isCurrent ? '*' : '') },
        { title: 'Name', text: ({ name }) => name },
        { title: 'URL', text: ({ url }) => url },
      ]);
    });
  context
    .command('remove <name>')
    .description('forgets a deployment and its key')
    .action(async (name: string, _: object, command: Command) => {
      const { current, deployments } = await readContexts();
      const { [name]: removed, ...others } = deployments;
      if (!removed) throw new CommandFailure(`There is no context "${name}"; "context list" shows all.`);
      await writeContexts({ ...(current !== undefined && current !== name && { current }), deployments: others });
      printerOf(command).print({ name }, `${name} is forgotten.`);
    });
}
