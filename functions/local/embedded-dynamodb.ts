/**
 * The embedded DynamoDB engine, dynoxide: a process of its own on a port of this machine, for the local server and the
 * tests. It never removes rows by TTL, and treats every read as consistent.
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
/** Choosing a free port and taking it are two steps; between them another process may be faster. */
const portChoicesMax = 3;

/** Why the engine did not start, in one line for whoever typed the command. */
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
  /** Where to keep the rows; its folder is made. Without it they are kept in memory, and gone with the process. */
  databaseFile?: string;
  /** A loopback address; 127.0.0.1 unless given. */
  host?: string;
  /** Without it, a free one is chosen. */
  port?: number;
}

export interface EmbeddedDynamodb {
  /** For the AWS client, with any region and any credentials. */
  endpoint: string;
  /** Ends the engine, and resolves when it is gone. */
  stop(): Promise<void>;
  /** Resolves when the engine is gone, asked or not, with what it said on its standard error. */
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
 * A loopback address that web pages cannot find by trying: 24 random bits, beside those of the port. Only on Linux does all of
 * 127.0.0.0/8 stand for the machine; elsewhere the port alone is random.
 */
export function secretLoopbackAddress(): string {
  const part = () => randomInt(1, 255);
  return process.platform === 'linux' ? `127.${part()}.${part()}.${part()}` : '127.0.0.1';
}

/** The binary of this platform. Throws `EngineMissingError`. */
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
  let said = '';
  engine.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  let gone = false;
  const ended = once(engine, 'close').then(() => {
    gone = true;
    engine.stdin.destroy();
    return said.trim();
  });

  async function stop(): Promise<void> {
    engine.stdin.end();
    await ended;
  }

  const deadline = Date.now() + startMsMax;
  // Its own word that it listens comes first: what answers on the port before might be another process.
  while (!(said.includes(endpoint) && (await answers(endpoint)))) {
    if (gone) throw startError(said.trim(), port);
    if (Date.now() > deadline) {
      await stop();
      throw new EmbeddedDynamodbError(`The embedded DynamoDB engine did not answer within ${startMsMax} ms.`);
    }
    await delay(pollMs);
  }
  return { endpoint, stop, ended };
}

/**
 * Runs a command that ends when this process does, by whatever way, `kill -9` included: a shell beside it reads from a
 * pipe that only this process holds, and its end is the sign. In a process group of its own, so that Ctrl-C reaches
 * this process alone, which stops the engine last.
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

function startError(said: string, port: number): EmbeddedDynamodbError {
  if (/already in use|permission denied/i.test(said)) return new PortTakenError(`Port ${port} cannot be taken: ${said}`);
  if (/unable to open database|readonly database/i.test(said)) return new FolderNotWritableError(said);
  return new EmbeddedDynamodbError(`The embedded DynamoDB engine did not start: ${said || 'it said nothing'}`);
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
