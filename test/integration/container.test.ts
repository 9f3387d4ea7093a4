/** What the image holds and runs, made without Docker: by the lines of the Dockerfile, in folders of this machine. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { readDockerfile, type Stage } from '../support/dockerfile.ts';
import { startTestDynamodb, type TestDynamodb } from '../support/dynamodb.ts';
import { type LocalProgram, startCommand } from '../support/local-program.ts';
import { httpCalls } from '../support/local-queue.ts';
import { logOf, startServe } from '../support/serve-program.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const key = 'the-admin-key';
const buildMsMax = 300_000;

/** A folder of this machine stands for the root of every stage's file system. */
let files: string;
let stages: Stage[];
let image: Stage;
let dynamodb: TestDynamodb;
const programs: LocalProgram[] = [];

beforeAll(async () => {
  files = await mkdtemp(join(tmpdir(), 'dumbwaiter-image-'));
  stages = readDockerfile(await readFile(join(root, 'Dockerfile'), 'utf8'));
  image = stages.at(-1)!;
  for (const stage of stages) for (const step of stage.steps) await take(step);
  dynamodb = await startTestDynamodb();
}, buildMsMax);
afterEach(async () => {
  for (const program of programs) program.process.kill('SIGKILL');
  await Promise.all(programs.splice(0).map(({ ended }) => ended));
});
afterAll(async () => {
  await dynamodb?.stop();
  await rm(files, { recursive: true, force: true });
});

async function take(step: Stage['steps'][number]): Promise<void> {
  if ('run' in step) {
    await mkdir(here(step.cwd), { recursive: true });
    // The packages of this checkout stand for those that `npm ci` installs.
    if (step.run.startsWith('npm ci ')) await symlink(join(root, 'node_modules'), join(here(step.cwd), 'node_modules'));
    else await shell(step.run.replaceAll(/(?<= )\/\w+/g, here), here(step.cwd));
  } else if (step.stage === undefined) {
    expect(step.copy).toBe('.');
    await copyContext(here(step.to));
  } else {
    // All stages share one folder, so a path that stays the same is already there.
    expect(step.to).toBe(step.copy);
  }
}

const here = (path: string) => join(files, path);

async function shell(command: string, cwd: string): Promise<void> {
  const { npm_config_prefix, ...env } = process.env;
  try {
    await promisify(execFile)('sh', ['-c', command], { cwd, env, maxBuffer: 1 << 26 });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} failed\n${stdout}\n${stderr}`, { cause: error });
  }
}

/** Copies what .dockerignore lets through: it excludes everything, and names the exceptions. */
async function copyContext(to: string): Promise<void> {
  const lines = (await readFile(join(root, '.dockerignore'), 'utf8')).split('\n').filter((line) => line && !line.startsWith('#'));
  expect(lines[0]).toBe('*');
  expect(lines.at(-1)).toBe('**/node_modules');
  const names = lines.slice(1, -1).map((line) => /^!([\w.-]+)$/.exec(line)![1]!);
  expect(names.length).toBeGreaterThan(0);
  const filter = (path: string) => basename(path) !== 'node_modules';
  for (const name of names) await cp(join(root, name), join(to, name), { recursive: true, filter });
}

function start(): LocalProgram {
  const [node, ...words] = image.command!;
  expect(node).toBe('node');
  const environment = { ...image.environment, ...dynamodb.environment, DUMBWAITER_API_KEY: key };
  const program = startServe([process.execPath, ...words], environment, here(image.workdir));
  programs.push(program);
  return program;
}

/** The exit code of the image's health check, run beside a server. */
async function checkHealth(port: string): Promise<number> {
  const [node, ...words] = image.healthcheck!;
  expect(node).toBe('node');
  return promisify(execFile)(process.execPath, words, { env: { DUMBWAITER_PORT: port } }).then(
    () => 0,
    (error: { code: number }) => error.code,
  );
}

describe('the image', () => {
  it('the image has the Node of this project in every stage, and runs as a user that is not root', () => {
    expect(stages.map(({ base }) => base)).toEqual(stages.map(() => `node:${manifest.devDependencies.node}-bookworm-slim`));
    expect(Number(image.user!.split(':')[0])).toBeGreaterThan(0);
  });

  it('the image holds the package and nothing that it would have to install besides', async () => {
    expect((await readdir(here(image.workdir))).sort()).toEqual(['node_modules', 'package-lock.json', 'package.json']);
    const packages = await readdir(join(here(image.workdir), 'node_modules'));
    expect(packages.filter((name) => !name.startsWith('.'))).toEqual(['dumbwaiter-queue']);
  });

  it('the image runs a local server in memory by the command that the guide shows for tests in containers', async () => {
    const guide = await readFile(join(root, 'docs/guide.md'), 'utf8');
    const shown = /\.withCommand\((\[.*?\])\)/s.exec(guide)![1]!;
    const [node, program, ...words] = JSON.parse(shown.replaceAll("'", '"')) as string[];
    expect([node, words[0]]).toEqual(['node', 'start']);
    const environment = { ...image.environment, DUMBWAITER_API_KEY: key };
    const server = startCommand(process.execPath, [program!, ...words, '--port', '0'], environment, { cwd: here(image.workdir) });
    programs.push(server);
    const http = httpCalls((await server.listening).url.replace('0.0.0.0', '127.0.0.1'), key);
    await http.call('createQueue', { queue: 'orders' });
    const made = await http.call('createKey', {}, { name: 'sqs', queues: ['*'], scopes: ['admin'], accessKey: true });
    expect(made.secretAccessKey).toBeTypeOf('string');
    await http.send('POST', '/v1/reset');
    expect((await http.call('listQueues', {})).queues).toEqual([]);
  });

  it('two instances of the image serve the same tables side by side, are healthy, and end on SIGTERM with 0', async () => {
    const [one, other] = [start(), start()];
    // Some platforms cannot connect to the address that means all.
    const urls = [await one.listening, await other.listening].map(({ url }) => url.replace('0.0.0.0', '127.0.0.1'));
    const [first, second] = urls.map((url) => httpCalls(url, key)) as [
      ReturnType<typeof httpCalls>,
      ReturnType<typeof httpCalls>,
    ];
    await first.call('createQueue', { queue: 'shared' });
    const waiting = second.call('receive', { queue: 'shared' }, { waitSeconds: 20 });
    await first.call('publish', { queue: 'shared' }, { messages: [{ body: 'over the other' }] });
    const { messages } = await waiting;
    expect(messages.map(({ body }) => body)).toEqual(['over the other']);
    await first.call('ack', { queue: 'shared' }, { receipts: [messages[0]!.receipt] });
    expect(await (await fetch(`${urls[0]}/console/console.js`)).text()).toContain('API key');
    const port = new URL(urls[0]!).port;
    expect(await checkHealth(port)).toBe(0);
    for (const program of [one, other]) program.process.kill('SIGTERM');
    expect(await Promise.all([one.ended, other.ended])).toEqual([0, 0]);
    for (const program of [one, other]) {
      expect(program.errors()).toBe('');
      expect(logOf(program).filter(({ level }) => level !== 'INFO')).toEqual([]);
    }
    expect(await checkHealth(port)).toBe(1);
  });
});
