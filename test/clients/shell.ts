/** Runs shell commands of the documents. An error shows the end of what they printed. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const shownMax = 5_000;

/** Returns what the commands printed. */
export async function runShell(commands: string, cwd: string, env: Record<string, string>): Promise<string> {
  try {
    const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 1 << 27 };
    const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', commands], options);
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${commands} failed\n${stdout.slice(-shownMax)}\n${stderr.slice(-shownMax)}`, { cause: error });
  }
}
