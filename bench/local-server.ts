/** The local server as a process of its own, started as a user starts it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

export interface LocalServerProcess {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

const fromClone = ['--max-semi-space-size=2', '--import', './functions/local/check-node.mjs', 'functions/local/start.ts'];
/** Needs what `npm run build` makes. */
export const fromPackage = ['dist/cli/index.mjs', 'start'];

export async function startLocalServer(
  options: readonly string[],
  program: readonly string[] = fromClone,
): Promise<LocalServerProcess> {
  const child = spawn(process.execPath, [...program, ...options, '--port', '0', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const stop = async () => {
    child.kill();
    await exited;
  };
  const line = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), exited.then(() => undefined)]);
  if (line === undefined) throw new Error('The server ended before it listened.');
  return { url: (JSON.parse(line[0]) as { url: string }).url, pid: child.pid!, stop };
}

/** How much memory a process takes, in MB. Linux only. */
export function residentMbOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}
