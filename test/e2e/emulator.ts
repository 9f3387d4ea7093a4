/** An emulated AWS account: `ministack` from PyPI, pinned by hash, in its own virtual environment. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const root = join(import.meta.dirname, '..', '..');
const requirements = join(import.meta.dirname, 'emulator-requirements.txt');
const environment = join(root, '.venv');
const emulatorProgram = join(environment, 'bin', 'ministack');
const startMsMax = 30_000;
const stopMsMax = 5_000;

/** What AWS clients need, and the CDK's command line in its environment. */
export interface Account {
  endpoint: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
}

export interface Emulator {
  account: Account;
  /** Ends the emulator and all processes that it started. */
  stop(): Promise<void>;
}

/** Installs the emulator if it is missing, and starts it on a free port. IAM is enforced: what a role does not allow fails. */
export async function startEmulator(): Promise<Emulator> {
  const program = installEmulator();
  // The emulator writes only here, and stop() removes it.
  const folder = mkdtempSync(join(tmpdir(), 'dumbwaiter-emulator-'));
  const logPath = join(folder, 'log');
  const log = openSync(logPath, 'w');
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const emulator = spawn(program, {
    // A process group of its own, so that the functions' processes can be ended with it.
    detached: true,
    cwd: folder,
    stdio: ['ignore', log, log],
    env: { ...process.env, AUTH: 'true', GATEWAY_PORT: String(port), MINISTACK_HOST: 'localhost', TMPDIR: folder, HOME: folder },
  });
  closeSync(log);
  const end = () => {
    endGroup(emulator);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  process.once('exit', end);
  const stop = async () => {
    endGroup(emulator);
    await until(() => emulator.exitCode !== null || emulator.signalCode !== null, stopMsMax, 'the emulator ends');
    process.off('exit', end);
    end();
  };
  try {
    await until(() => answers(`${endpoint}/_ministack/health`, emulator), startMsMax, 'the emulator answers');
  } catch (error) {
    const said = readFileSync(logPath, 'utf8');
    await stop();
    throw new Error(`The emulator did not start; its log:\n${said}`, { cause: error });
  }
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  return { account: { endpoint, region: 'us-east-1', credentials }, stop };
}

/** Installs the emulator if it is missing. Returns its program. */
export function installEmulator(): string {
  const wanted = createHash('sha256').update(readFileSync(requirements)).digest('hex');
  const stamp = join(environment, 'requirements.sha256');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return emulatorProgram;
  rmSync(environment, { recursive: true, force: true });
  mkdirSync(environment, { recursive: true });
  run('python3', ['-m', 'venv', environment]);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--require-hashes', '-r', requirements];
  run(join(environment, 'bin', 'python'), pip);
  writeFileSync(stamp, wanted);
  return emulatorProgram;
}

function run(command: string, parameters: string[]): void {
  const { status, error, stderr } = spawnSync(command, parameters, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  if (error !== undefined)
    throw new Error(`${command} cannot be run; the emulator needs Python 3.10 or later.`, { cause: error });
  if (status !== 0) throw new Error(`${command} ${parameters.join(' ')} failed:\n${stderr}`);
}

async function answers(url: string, emulator: ChildProcess): Promise<boolean> {
  if (emulator.exitCode !== null) throw new Error(`It ended with ${emulator.exitCode}.`);
  return await fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

const pollMs = 50;

/** Polls until the condition holds, and rejects when the time is up. */
export async function until(condition: () => boolean | Promise<boolean>, msMax: number, what: string): Promise<void> {
  const deadline = performance.now() + msMax;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Within ${msMax} ms it did not come true that ${what}.`);
    await pause(pollMs);
  }
}
