/** `context`: names deployments, so that commands need no URL and key. */
import type { Command } from 'commander';
import { contextNamed, type KeptDeployment, readContexts, writeContexts } from '../contexts.ts';
import { UsageError } from '../failure.ts';
import { type GlobalOptions, printerOf, transportOf } from '../session.ts';
import { deploymentOfStack, type StackPlace } from '../stack.ts';

interface AddOptions extends Partial<StackPlace> {
  keepKey?: true;
}

export function addContextCommands(program: Command): void {
  const context = program.command('context').description('names deployments');
  context
    .command('add <name>')
    .description('names a deployment by its URL and key, or by its stack on AWS, in a file that only you can read, and uses it')
    .option('--stack <name>', 'of AWS: the URL is read from its outputs, and the key from its secret each time it is needed')
    .option('--profile <name>', 'the AWS profile for the stack; default: as for every AWS program')
    .option('--region <name>', 'the AWS region of the stack; default: as for every AWS program')
    .option('--construct <id>', 'which Dumbwaiter of the stack, if it has several')
    .option('--keep-key', 'keeps the key in the file, too: commands then make no call to AWS')
    .action(async (name: string, { keepKey, ...given }: AddOptions, command: Command) => {
      const { deployment, shown } = await namedDeployment(given, keepKey === true, command);
      const { deployments } = await readContexts();
      await writeContexts({ current: name, deployments: { ...deployments, [name]: deployment } });
      printerOf(command).print({ name, ...shown }, `Commands use ${name} (${shown.url}) from now on.`);
      if (given.stack !== undefined) noteEnvironment(name, command);
    });
  context
    .command('use <name>')
    .description('uses this deployment from now on')
    .action(async (name: string, _: object, command: Command) => {
      const contexts = await readContexts();
      contextNamed(contexts, name);
      await writeContexts({ ...contexts, current: name });
      printerOf(command).print({ name }, `Commands use ${name} from now on.`);
      noteEnvironment(name, command);
    });
  context
    .command('list')
    .description('lists the names and URLs, without the keys')
    .action(async (_: object, command: Command) => {
      const { current, deployments } = await readContexts();
      const rows = Object.entries(deployments).map(([name, kept]) => ({ name, ...shownOf(kept), isCurrent: name === current }));
      printerOf(command).printRows(rows, [
        { title: '', text: ({ isCurrent }) => (isCurrent ? '*' : '') },
        { title: 'Name', text: ({ name }) => name },
        { title: 'URL', text: ({ url }) => url },
        { title: 'Stack', text: ({ stack }) => stack },
        { title: 'Profile', text: ({ profile }) => profile },
        { title: 'Region', text: ({ region }) => region },
      ]);
    });
  context
    .command('remove <name>')
    .description('forgets a deployment and its key')
    .action(async (name: string, _: object, command: Command) => {
      const contexts = await readContexts();
      contextNamed(contexts, name);
      const { current, deployments } = contexts;
      const { [name]: _removed, ...others } = deployments;
      await writeContexts({ ...(current !== undefined && current !== name && { current }), deployments: others });
      printerOf(command).print({ name }, `${name} is forgotten.`);
    });
}

/** A deployment that the environment or `.env` names counts before the context in use. */
function noteEnvironment(name: string, command: Command): void {
  const { url } = command.optsWithGlobals<GlobalOptions>();
  if (url !== undefined) console.error(`DUMBWAITER_URL is set and counts before it: unset it, or give --context ${name}.`);
}

/** A stack is read once, so that a wrong name is noticed here. */
async function namedDeployment(
  { stack, ...place }: Partial<StackPlace>,
  keepKey: boolean,
  command: Command,
): Promise<{ deployment: KeptDeployment; shown: { url: string; stack?: string } }> {
  if (stack !== undefined) {
    const { url, apiKey } = await deploymentOfStack({ stack, ...place });
    return { deployment: keepKey ? { url, apiKey } : { stack, ...place }, shown: { url, stack } };
  }
  const { url, apiKey } = command.optsWithGlobals<GlobalOptions>();
  if (url === undefined || apiKey === undefined) throw new UsageError('Give --url and --api-key, or --stack.');
  transportOf({ url, apiKey });
  return { deployment: { url, apiKey }, shown: { url } };
}

/** Without the key. */
function shownOf(kept: KeptDeployment): Partial<StackPlace> & { url?: string } {
  return 'stack' in kept ? kept : { url: kept.url };
}
