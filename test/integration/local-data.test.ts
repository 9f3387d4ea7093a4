/** Where `npm start` keeps its messages: in a SQLite file, unless the user asks for DynamoDB or the folder was made with it. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openLocalStore } from '../../functions/local/open-store.ts';
import { serveLocally, startLocal } from '../../functions/local/server.ts';
import { parseSeed } from '../../functions/service/seed.ts';
import { engineOf, type LocalProgram, startProgram } from '../support/local-program.ts';
import { type HttpCalls, httpCalls, loggedDefects } from '../support/local-queue.ts';

let folder: string;
let programs: LocalProgram[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-data-'));
  programs = [];
});
afterEach(async () => {
  for (const program of programs) program.process.kill('SIGKILL');
  await Promise.all(programs.map(({ ended }) => ended));
  await rm(folder, { recursive: true, force: true });
});

const dynamodbFile = () => join(folder, 'data', 'dynamodb.sqlite');
const sqliteFile = () => join(folder, 'data', 'queue.sqlite');

function start(options: string[] = [], environment: NodeJS.ProcessEnv = { DUMBWAITER_API_KEY: 'k' }): LocalProgram {
  const program = startProgram(['--data', join(folder, 'data'), ...options], environment);
  programs.push(program);
  return program;
}

async function stop(program: LocalProgram): Promise<void> {
  program.process.kill('SIGTERM');
  expect(await program.ended).toBe(0);
  expect(program.errors()).toBe('');
}

async function callsOf(program: LocalProgram, key = 'k'): Promise<HttpCalls> {
  return httpCalls((await program.listening).url, key);
}

/** The only line that a program writes before it fails. */
async function oneLine(program: LocalProgram): Promise<string> {
  expect(await program.ended).toBe(1);
  expect(program.output()).toBe('');
  const lines = program.errors().trimEnd().split('\n');
  expect(lines).toHaveLength(1);
  return lines[0]!;
}

async function publish(options?: string[]): Promise<void> {
  const program = start(options);
  const http = await callsOf(program);
  await http.call('createQueue', { queue: 'q' });
  await http.call('publish', { queue: 'q' }, { messages: [{ body: 'kept' }] });
  await stop(program);
}

async function receivedBodies(program: LocalProgram): Promise<unknown[]> {
  const { messages } = await (await callsOf(program)).call('receive', { queue: 'q' }, { max: 10 });
  return messages.map(({ body }) => body);
}

describe('npm start', () => {
  it('npm start keeps messages in a SQLite file that only its owner can read, and starts no other process', async () => {
    await publish();
    const program = start();
    expect(await receivedBodies(program)).toEqual(['kept']);
    expect(program.output()).toContain(`Data: ${sqliteFile()}\n`);
    expect(program.output()).not.toContain('DynamoDB');
    const names = await readdir(join(folder, 'data'));
    expect(names).toEqual(expect.arrayContaining(['queue.sqlite', 'queue.sqlite-wal', 'lock']));
    expect(names).not.toContain('dynamodb.sqlite');
    expect((await stat(join(folder, 'data'))).mode & 0o777).toBe(0o700);
    for (const name of names) expect([name, (await stat(join(folder, 'data', name))).mode & 0o077]).toEqual([name, 0]);
    const children = await readFile(`/proc/${program.process.pid}/task/${program.process.pid}/children`, 'utf8');
    expect(children.trim()).toBe('');
    await stop(program);
  });

  it('npm start makes its API key once for a folder, on SQLite as on DynamoDB', async () => {
    const first = start([], {});
    await first.listening;
    const key = /^API key: (dw_\S+)$/m.exec(first.output())![1]!;
    await (await callsOf(first, key)).call('createQueue', { queue: 'q' });
    await stop(first);
    const second = start([], {});
    await (await callsOf(second, key)).call('getQueue', { queue: 'q' });
    expect(second.output()).toContain('API key: generated at the first start');
    await stop(second);
  });

  it('npm start says how to put messages into a DynamoDB transaction when it is on SQLite', async () => {
    const http = await callsOf(start());
    await http.call('createQueue', { queue: 'q' });
    const response = await http.send('POST', '/v1/queues/q/publish-items', { body: { messages: [{ body: 1 }] } });
    expect(response.status).toBe(400);
    expect(((await response.json()) as { detail: string }).detail).toContain('npm start -- --dynamodb');
  });

  it('npm start opens a folder that was made with the embedded DynamoDB engine with that engine, and says so', async () => {
    await publish(['--dynamodb']);
    const program = start();
    expect(await receivedBodies(program)).toEqual(['kept']);
    expect(await engineOf(dynamodbFile())).toBeGreaterThan(0);
    expect(program.output()).toMatch(/Data: .*dynamodb\.sqlite \(made with the embedded DynamoDB engine, which opens it again/);
    expect(program.output()).toContain('export AWS_ENDPOINT_URL_DYNAMODB=');
    await stop(program);
  });

  it('npm start -- --dynamodb refuses a folder whose messages are in SQLite', async () => {
    await publish();
    expect(await oneLine(start(['--dynamodb']))).toMatch(/was made without --dynamodb, .* choose another folder with --data/);
    expect(await receivedBodies(start())).toEqual(['kept']);
  });

  it('npm start -- --memory --dynamodb keeps messages in the memory of the DynamoDB engine', async () => {
    const program = start(['--memory', '--dynamodb']);
    await program.listening;
    expect(program.output()).toMatch(/Data: in memory[\s\S]*export AWS_ENDPOINT_URL_DYNAMODB=/);
    await stop(program);
  });

  it('npm start hides the warning of Node 22 that SQLite is experimental, and no other warning', async () => {
    const check = new URL('../../functions/local/check-node.mjs', import.meta.url).href;
    const script = `process.emitWarning('SQLite is an experimental feature and might change at any time', 'ExperimentalWarning');
      process.emitWarning('another', 'ExperimentalWarning');`;
    const { stderr } = await promisify(execFile)(process.execPath, ['--import', check, '-e', script]);
    expect(stderr).toContain('ExperimentalWarning: another');
    expect(stderr).not.toContain('SQLite');
  });

  it('npm start fails with one clear line when its SQLite file is damaged', async () => {
    await publish();
    await writeFile(sqliteFile(), 'something else, of the length of a header or more '.repeat(20));
    expect(await oneLine(start())).toMatch(/^The data file .*queue\.sqlite is damaged .*restore a copy of it, or move it away/);
  });

  it('npm start fails with one clear line when a newer version made its SQLite file', async () => {
    await publish();
    const database = new DatabaseSync(sqliteFile());
    database.exec('PRAGMA user_version = 999');
    database.close();
    expect(await oneLine(start())).toMatch(/^The data file .* has format 999, .* use a newer version of Dumbwaiter\.$/);
  });
});

it('a local server that cannot store its first API key stops with one line, and the next start generates another', async () => {
  const data = join(folder, 'data');
  const { log } = loggedDefects();
  const fails = vi.spyOn(fs.promises, 'rename').mockRejectedValue(new Error('ENOSPC: no space left on device'));
  syncBuiltinESMExports();
  const probe = await freePort();
  try {
    const started = startLocal({ data: { folder: data }, log, port: probe });
    await expect(started).rejects.toThrow(`The first API key cannot be stored in ${data}: ENOSPC: no space left on device.`);
  } finally {
    fails.mockRestore();
    syncBuiltinESMExports();
  }
  await expect(fetch(`http://127.0.0.1:${probe}/v1/health`)).rejects.toThrow();
  const server = await startLocal({ data: { folder: data }, log });
  expect(server.firstKey.from).toBe('generated');
  await server.close();
});

it('a local server generates its first API key also if its seed declares keys', async () => {
  const { log } = loggedDefects();
  const key = 'dw_0123456789ab_0123456789abcdefghjkmnpqrstvwxyz';
  const seed = parseSeed({ keys: { shop: { queues: ['*'], scopes: ['publish'], key } } }, {});
  for (const from of ['generated', 'folder']) {
    const server = await startLocal({ data: { folder: join(folder, 'data') }, log, seed });
    await server.close();
    expect(server.firstKey.from).toBe(from);
  }
});

it('a local server takes no call before what it was told to prepare is there', async () => {
  const { log } = loggedDefects();
  const { store } = await openLocalStore({ place: 'memory' });
  const port = await freePort();
  const health = `http://127.0.0.1:${port}/v1/health`;
  const prepare = async () => {
    await expect(fetch(health)).rejects.toThrow();
  };
  const serving = await serveLocally({ log, port, prepare }, store.parts);
  expect((await fetch(health)).status).toBe(200);
  await serving.stop();
  await store.stop();
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
