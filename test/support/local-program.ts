/** `npm start`, and other servers, in a process of their own, as a user runs them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const program = fileURLToPath(new URL('../../functions/local/start.ts', import.meta.url));

export interface LocalProgram {
  process: ChildProcess;
  /** What it has printed so far. */
  output(): string;
  errors(): string;
  /** Resolves when it listens. Rejects with its errors if it ends before that. */
  listening: Promise<{ url: string }>;
  /** Its exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
}

export function startProgram(options: string[], environment: NodeJS.ProcessEnv = {}): LocalProgram {
  return startCommand(process.execPath, [program, '--port', '0', ...options], environment);
}

/** The same program started by npm, which is then the process. */
export function startByNpm(options: string[]): LocalProgram {
  return startCommand('npm', ['start', '--', '--port', '0', ...options]);
}

/** What a server prints when it listens. The first group is its URL. */
const greeting = /listens on (\S+)\n[\s\S]*Ctrl-C/;

export function startCommand(
  command: string,
  words: string[],
  environment: NodeJS.ProcessEnv = {},
  { cwd = root, listens = greeting }: { cwd?: string; listens?: RegExp } = {},
): LocalProgram {
  const { DUMBWAITER_API_KEY, AWS_ENDPOINT_URL_DYNAMODB, ...inherited } = process.env;
  const started = spawn(command, words, {
    cwd,
    env: { ...inherited, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  started.stderr.on('data', (data) => {
    errors += data;
  });
  const ended = once(started, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  const listening = new Promise<{ url: string }>((resolve, reject) => {
    started.stdout.on('data', (data) => {
      output += data;
      const url = listens.exec(output)?.[1];
      if (url !== undefined) resolve({ url });
    });
    ended.then((how) => reject(new Error(`It ended (${how}) before it listened: ${errors}`)));
  });
  // A test may wait for `ended` only.
  listening.catch(() => undefined);
  return { process: started, output: () => output, errors: () => errors, listening, ended };
}

/** The embedded engine's process on a database file. */
export async function engineOf(databaseFile: string): Promise<number | undefined> {
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const line = (await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')).split('\0');
    if (line[0]?.endsWith('dynoxide') && line.includes(databaseFile)) return Number(name);
  }
  return undefined;
}
