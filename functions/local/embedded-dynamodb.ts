/**
 * Runs the embedded DynamoDB engine, dynoxide, as a separate process on a local port, for the local server and the tests.
 * The engine never removes rows by TTL, and treats every read as consistent.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

const startMsMax = 10_000;
const pollMs = 20;
/** How often to choose a free port: another process may take it before the engine does. */
const portChoicesMax = 3;

/** The engine did not start. The message is one line for the user. */
export class EmbeddedDynamodbError extends Error {
  override readonly name: string = 'EmbeddedDynamodbError';
}
export class EngineMissingError extends EmbeddedDynamodbError {
  override readonly name = 'EngineMissingError';
}
export class PortTakenError extends EmbeddedDynamodbError {
  override readonly name = 'PortTakenError';
}
export class FolderNotWritableError extends EmbeddedDynamodbError {
  override readonly name = 'FolderNotWritableError';
}

export interface EmbeddedDynamodbOptions {
  /** The file of the rows. Its folder is created. Default: rows are kept in memory and end with the process. */
  databaseFile?: string;
  /** A loopback address. Default: 127.0.0.1. */
  host?: string;
  /** Default: a free port. */
  port?: number;
}

export interface EmbeddedDynamodb {
  /** URL for the AWS client, which may use any region and any credentials. */
  endpoint: string;
  /** Stops the engine, and resolves when it has exited. */
  stop(): Promise<void>;
  /** Resolves when the engine has exited for any reason, with its output on standard error. */
  ended: Promise<string>;
}

/** Starts the engine, and resolves once it answers. Rejects with `EmbeddedDynamodbError`. */
export async function startEmbeddedDynamodb(options: EmbeddedDynamodbOptions = {}): Promise<EmbeddedDynamodb> {
  const { databaseFile, host = '127.0.0.1', port } = options;
  const binary = enginePath();
  if (databaseFile !== undefined) await makeFolder(dirname(databaseFile));
  for (let choice = 1; ; choice++) {
    try {
      return await startOn(host, port ?? (await freePort(host)), binary, databaseFile);
    } catch (error) {
      const another = error instanceof PortTakenError && port === undefined && choice < portChoicesMax;
      if (!another) throw error;
    }
  }
}

/**
 * A loopback address that web pages cannot find by trying: 24 random bits, in addition to the random port. Only on Linux do all addresses
 * of 127.0.0.0/8 belong to the machine; elsewhere only the port is random.
 */
export function secretLoopbackAddress(): string {
  const part = () => randomInt(1, 255);
  return process.platform === 'linux' ? `127.${part()}.${part()}.${part()}` : '127.0.0.1';
}

/** The path of the engine's binary for this platform. Throws `EngineMissingError`. */
export function enginePath(platform: string = process.platform, architecture: string = process.arch): string {
  const name = `@dynoxide/${platform}-${architecture}`;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'dynoxide');
  } catch {
    throw new EngineMissingError(
      `The embedded DynamoDB engine is not installed for ${platform} ${architecture}: try "npm install --no-save ${name}", ` +
        'or set AWS_ENDPOINT_URL_DYNAMODB to another DynamoDB endpoint.',
    );
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (error) {
    throw new FolderNotWritableError(`The data folder ${folder} cannot be written: ${(error as Error).message}`);
  }
}

async function startOn(host: string, port: number, binary: string, databaseFile: string | undefined): Promise<EmbeddedDynamodb> {
  const endpoint = `http://${host}:${port}`;
  const database = databaseFile === undefined ? [] : ['--db-path', databaseFile];
  const engine = spawnGuarded([binary, 'serve', '--host', host, '--port', String(port), ...database]);
  let output = '';
  engine.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  let hasExited = false;
  const ended = once(engine, 'close').then(() => {
    hasExited = true;
    engine.stdin.destroy();
    return output.trim();
  });

  async function stop(): Promise<void> {
    engine.stdin.end();
    await ended;
  }

  const deadline = Date.now() + startMsMax;
  // Wait until the engine reports that it listens: before that, another process might be answering on the port.
  while (!(output.includes(endpoint) && (await answers(endpoint)))) {
    if (hasExited) throw startError(output.trim(), port);
    if (Date.now() > deadline) {
      await stop();
      throw new EmbeddedDynamodbError(`The embedded DynamoDB engine did not answer within ${startMsMax} ms.`);
    }
    await delay(pollMs);
  }
  return { endpoint, stop, ended };
}

/**
 * Runs a command that ends when this process ends for any reason, `kill -9` included. A shell reads from a pipe that only this process
 * holds open, and kills the command when the pipe closes. The command has its own process group: Ctrl-C reaches only this process,
 * which stops the engine last.
 */
function spawnGuarded(command: string[]): ChildProcessByStdio<Writable, null, Readable> {
  const guard = [
    'umask 077',
    'exec 3<&0',
    '"$@" 3<&- </dev/null &',
    'engine=$!',
    '(cat <&3 >/dev/null 2>&1; kill "$engine") >/dev/null 2>&1 &',
    'exec 3<&-',
    'wait "$engine"',
  ].join('\n');
  return spawn('/bin/sh', ['-c', guard, 'sh', ...command], { stdio: ['pipe', 'ignore', 'pipe'], detached: true });
}

function startError(output: string, port: number): EmbeddedDynamodbError {
  if (/already in use|permission denied/i.test(output)) return new PortTakenError(`Port ${port} cannot be taken: ${output}`);
  if (/unable to open database|readonly database/i.test(output)) return new FolderNotWritableError(output);
  return new EmbeddedDynamodbError(`The embedded DynamoDB engine did not start: ${output || 'without output'}`);
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    await fetch(endpoint, { method: 'POST', body: '{}' });
    return true;
  } catch {
    return false;
  }
}

async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
