/** The servers that `peers.ts` compares, each as a program of its own on a free port of 127.0.0.1. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installEmulator } from '../../test/e2e/emulator.ts';

export interface PeerServer {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

const here = fileURLToPath(new URL('.', import.meta.url));
const startMsMax = 60_000;
const pollMs = 100;

export async function startElasticMq(): Promise<PeerServer> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'bench-elasticmq-'));
  const settings = join(folder, 'elasticmq.conf');
  const node = `node-address { protocol = http, host = "127.0.0.1", port = ${port}, context-path = "" }`;
  const rest = `rest-sqs { enabled = true, bind-port = ${port}, bind-hostname = "127.0.0.1" }\nrest-stats { enabled = false }`;
  await writeFile(settings, `include classpath("application.conf")\n${node}\n${rest}\n`);
  const parameters = ['-cp', join(here, 'lib', '*'), `-Dconfig.file=${settings}`, 'org.elasticmq.server.Main'];
  return started(spawn('java', parameters, { stdio: 'ignore' }), `http://127.0.0.1:${port}`, folder);
}

export async function startFauxqs(): Promise<PeerServer> {
  const port = await freePort();
  const program = join(here, 'node_modules', 'fauxqs', 'dist', 'cli.js');
  // It logs each request, which its program has no option against. Nothing reads the log.
  const env = { ...process.env, FAUXQS_PORT: String(port), FAUXQS_HOST: '127.0.0.1' };
  return started(spawn(process.execPath, [program], { stdio: 'ignore', env }), `http://127.0.0.1:${port}`);
}

/** The emulator of the end-to-end tests, which is one of all of AWS. */
export async function startMinistack(): Promise<PeerServer> {
  const program = installEmulator();
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'bench-ministack-'));
  const env = { ...process.env, GATEWAY_PORT: String(port), MINISTACK_HOST: '127.0.0.1', TMPDIR: folder, HOME: folder };
  return started(spawn(program, { stdio: 'ignore', cwd: folder, env }), `http://127.0.0.1:${port}`, folder);
}

/** `npm start` with its data on disk. */
export async function startDumbwaiter(key: string): Promise<PeerServer> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'bench-dumbwaiter-'));
  const program = fileURLToPath(new URL('../../functions/local/start.ts', import.meta.url));
  const env = { ...process.env, DUMBWAITER_API_KEY: key };
  const parameters = ['--max-semi-space-size=2', program, '--port', String(port), '--data', join(folder, 'data')];
  return started(spawn(process.execPath, parameters, { stdio: 'ignore', env }), `http://127.0.0.1:${port}`, folder);
}

/** Resolves when the server answers HTTP requests. */
async function started(child: ChildProcess, url: string, folder?: string): Promise<PeerServer> {
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill();
    await ended;
    if (folder !== undefined) await rm(folder, { recursive: true });
  };
  const giveUpAt = Date.now() + startMsMax;
  for (;;) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer !== undefined) return { url, pid: child.pid!, stop };
    if (child.exitCode !== null || Date.now() > giveUpAt) {
      await stop();
      throw new Error(`${child.spawnargs.join(' ')} does not answer at ${url}`);
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
