/** Named deployments: their URLs and keys, in a file that only the user can read. */
import { mkdir, open, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { CommandFailure } from './failure.ts';
import type { StackPlace } from './stack.ts';

export interface Deployment {
  url: string;
  apiKey: string;
}

/** Of a stack, the secret is read at each use, and is in no file. */
export type KeptDeployment = Deployment | StackPlace;

export interface Contexts {
  /** The name of the one in use. */
  current?: string;
  deployments: Record<string, KeptDeployment>;
}

/** `DUMBWAITER_CONFIG` names another file. */
export function contextsFile(): string {
  const config = process.env.XDG_CONFIG_HOME || join(homedir(), '.config');
  return process.env.DUMBWAITER_CONFIG || join(config, 'dumbwaiter', 'contexts.json');
}

export async function readContexts(): Promise<Contexts> {
  let text: string;
  try {
    text = await readFile(contextsFile(), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { deployments: {} };
    throw new CommandFailure(`${contextsFile()} cannot be read: ${(error as Error).message}`);
  }
  try {
    const contexts = JSON.parse(text) as Contexts | null;
    if (typeof contexts?.deployments === 'object') return contexts;
  } catch {
    // No JSON.
  }
  throw new CommandFailure(`${contextsFile()} holds no contexts. Correct or remove it.`);
}

/** Throws CommandFailure if there is none of this name. */
export function contextNamed({ deployments }: Contexts, name: string): KeptDeployment {
  if (!Object.hasOwn(deployments, name)) throw new CommandFailure(`There is no context "${name}"; "context list" shows all.`);
  return deployments[name]!;
}

export async function writeContexts(contexts: Contexts): Promise<void> {
  const file = contextsFile();
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const opened = await open(file, 'w', 0o600);
  try {
    // The mode above is for a new file only.
    await opened.chmod(0o600);
    await opened.writeFile(`${JSON.stringify(contexts, null, 2)}\n`);
  } finally {
    await opened.close();
  }
}
