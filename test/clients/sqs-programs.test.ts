/**
 * The programs in examples/coming-from/sqs/, with the SQS clients of their languages, as docs/coming-from-sqs.md runs them. Their
 * calls are signed. Each folder is copied first, so that a build leaves nothing in the checkout.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type LocalSqs, sqsEnvironment, startLocalSqs } from '../support/local-sqs.ts';
import { runShell } from './shell.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/coming-from-sqs.md'), 'utf8');
const patience = { timeout: 240_000, interval: 200 };

let local: LocalSqs;
let work: string;
/** Programs that run, each the leader of a process group. */
const running = new Set<ChildProcess>();
beforeAll(async () => {
  local = await startLocalSqs({ signed: true });
  work = mkdtempSync(join(tmpdir(), 'dumbwaiter-sqs-programs-'));
  cpSync(join(root, 'examples/coming-from/sqs'), join(work, 'examples/coming-from/sqs'), { recursive: true });
});
afterAll(async () => {
  for (const child of running) await endProgram(child, 'SIGKILL');
  rmSync(work, { recursive: true, force: true });
  await local.close();
  expect(local.defects).toEqual([]);
});

/** The page's commands for a client, without its long-running programs, which tests start themselves. */
function commandsOf(heading: string): string[] {
  const commands = page.split(`\n### ${heading}\n`)[1]?.split('```sh\n')[1]?.split('```')[0]?.trim().split('\n') ?? [];
  expect(commands.length, `commands for ${heading}`).toBeGreaterThan(1);
  return commands;
}

function folderOf([first]: string[]): string {
  const [, folder] = /^cd (examples\/coming-from\/sqs\/\w+)$/.exec(first!) ?? [];
  return join(work, folder!);
}

function shell(commands: string[], env: Record<string, string> = {}): Promise<string> {
  return runShell(commands.join('\n'), work, { ...sqsEnvironment(local.server), ...env });
}

/** A program that runs until a test ends it. */
function startProgram(command: string, cwd: string, env: Record<string, string> = {}): ChildProcess & { said(): string } {
  const all = { ...process.env, ...sqsEnvironment(local.server), ...env };
  const child = spawn('bash', ['-c', `exec ${command}`], { cwd, env: all, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on('data', (data) => {
      said += data;
    });
  }
  running.add(child);
  child.once('exit', () => running.delete(child));
  return Object.assign(child, { said: () => said });
}

async function endProgram(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const ended = once(child, 'close');
  process.kill(-child.pid!, signal);
  return (await ended)[0];
}

async function expectEmpty(queue: string): Promise<void> {
  await vi.waitFor(async () => {
    const { counts } = await local.http.call('getQueue', { queue });
    expect(counts).toMatchObject({ ready: 0, leased: 0, delayed: 0, dead: 0 });
  }, patience);
}

it.concurrent('Celery does 200 tasks once each, and tries failed and abandoned ones again', async () => {
  const commands = commandsOf('Celery');
  const folder = folderOf(commands);
  const worker = commands.find((line) => line.includes(' worker'))!;
  const others = commands.filter((line) => line !== worker);
  const results = join(folder, 'results.txt');
  const lines = () => readFileSync(results, { encoding: 'utf8', flag: 'a+' }).split('\n').slice(0, -1);

  expect(await shell(others)).toBe('sent 200\n');
  const send = others.at(-1)!.replace('square 200', 'flaky 5');
  await shell([commands[0]!, send]);
  const working = startProgram(worker, folder);
  const done = Array.from({ length: 200 }, (_, n) => `square ${n} ${n * n}`);
  const retried = Array.from({ length: 5 }, (_, n) => `flaky ${n} 1`);
  await vi.waitFor(() => expect(lines().sort(), working.said()).toEqual([...done, ...retried].sort()), patience);
  await expectEmpty('celery');
  expect(await endProgram(working, 'SIGTERM'), working.said()).toBe(0);

  const env = { QUEUE: 'celery-slow', VISIBILITY_TIMEOUT: '3' };
  rmSync(results);
  await shell([commands[0]!, send.replace('flaky 5', 'slow 1')], env);
  const killed = startProgram(worker, folder, env);
  await vi.waitFor(() => expect(lines()).toEqual(['begun 0']), patience);
  await endProgram(killed, 'SIGKILL');
  const successor = startProgram(worker, folder, env);
  await vi.waitFor(() => expect(lines()).toEqual(['begun 0', 'begun 0', 'slow 0']), patience);
  await expectEmpty('celery-slow');
  await endProgram(successor, 'SIGTERM');
});

it.concurrent('sqs-consumer handles what sqs-producer sends, and again what failed', async () => {
  const commands = commandsOf('sqs-consumer and sqs-producer');
  const folder = folderOf(commands);
  const consumer = commands.at(-1)!;
  expect(await shell(commands.slice(0, -1))).toContain('sent 50, waiting 50\n');
  const consuming = startProgram(consumer, folder);
  const expected = Array.from({ length: 50 }, (_, at) => `message ${at} ${at % 10 === 0 ? 2 : 1}`);
  const handled = () => consuming.said().split('\n').slice(0, -1).sort();
  await vi.waitFor(() => expect(handled()).toEqual(expected.sort()), patience);
  await expectEmpty('orders-of-node');
  expect(await endProgram(consuming, 'SIGINT'), consuming.said()).toBe(0);
});

it.concurrent('the AWS SDK for Go sends, receives and deletes, and knows the error of a queue that is gone', async () => {
  expect((await shell(commandsOf('Go'))).trim().split('\n').sort()).toEqual(['first 1', 'gone true', 'second 0', 'third 0']);
});

it.concurrent('the AWS SDK for Rust sends, receives and deletes, and knows the error of a queue that is gone', async () => {
  expect((await shell(commandsOf('Rust'))).trim().split('\n')).toEqual(['first 1', 'second 0', 'gone true']);
});

it.concurrent('the JMS library sends and receives each kind of message, recovers, and listens', async () => {
  // Maven may colour lines.
  const printed = stripVTControlCharacters(await shell(commandsOf('JMS')));
  expect(printed.split('\n').filter(Boolean)).toEqual([
    'größe <&> 😀',
    'text 42 1.5 true c-1 true',
    'same true, deliveries 2',
    'bytes 2 0 255',
    'listened 20',
  ]);
  await expectEmpty('orders-of-jms');
});
