/** The client processes of one round. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Random } from '../../engine/port/port.ts';
import type { ClientTask } from './client.ts';

const program = fileURLToPath(new URL('./client.ts', import.meta.url));
const seedsMax = 2 ** 31;

export interface Clients {
  /** The logs of all clients that ran, including killed ones. */
  logFiles: string[];
  /** Kills one client and starts another in its place. */
  killOne(): Promise<void>;
  /** Lets each client end its calls. Throws if one of them failed. */
  stop(): Promise<void>;
}

export function startClients(
  count: number,
  folder: string,
  random: Random,
  task: Pick<ClientTask, 'urls' | 'apiKey' | 'queues'>,
): Clients {
  const logFiles: string[] = [];
  const faults: string[] = [];
  const killed = new Set<ChildProcess>();

  function start(): { process: ChildProcess; ended: Promise<unknown> } {
    const name = `c${logFiles.length}`;
    const logFile = join(folder, `${name}.jsonl`);
    logFiles.push(logFile);
    const seed = Math.floor(random.number() * seedsMax);
    const given: ClientTask = { ...task, name, seed, logFile };
    const client = spawn(process.execPath, [program, JSON.stringify(given)], { stdio: ['pipe', 'ignore', 'pipe'] });
    let said = '';
    client.stderr.on('data', (data) => {
      said += data;
    });
    // The client may be killed before it reads.
    client.stdin.on('error', () => undefined);
    const ended = once(client, 'close').then(([code, signal]) => {
      if (code !== 0 && !killed.has(client)) faults.push(`client ${name} ended (${code ?? signal}): ${said}`);
    });
    return { process: client, ended };
  }

  const running = Array.from({ length: count }, start);
  return {
    logFiles,
    async killOne() {
      const index = Math.floor(random.number() * running.length);
      const { process: client, ended } = running[index]!;
      killed.add(client);
      client.kill('SIGKILL');
      await ended;
      running[index] = start();
    },
    async stop() {
      for (const { process: client } of running) client.stdin?.end('stop');
      await Promise.all(running.map(({ ended }) => ended));
      if (faults.length > 0) throw new Error(faults.join('\n'));
    },
  };
}
