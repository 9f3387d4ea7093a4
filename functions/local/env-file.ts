/** Reads `.env` in the working folder, for the programs that a user starts. */
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

/**
 * Adds its variables that begin with `DUMBWAITER_` to the environment. One that is set already stays. The others are left to the program
 * whose file it is: they would move the queue to another endpoint or account.
 */
export function loadEnvFile(variables: NodeJS.ProcessEnv = process.env, file = '.env'): void {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return;
  }
  for (const [name, value] of Object.entries(parseEnv(text))) {
    if (name.startsWith('DUMBWAITER_')) variables[name] ??= value;
  }
}
