/** Completion of the command line, by the tree of commands and in a real bash. */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { candidatesFor } from '../../cli/completion.ts';
import { createProgram } from '../../cli/main.ts';
import { runCommand } from '../support/command-line.ts';
import { adminKey, type LocalQueue, startLocalQueue } from '../support/local-queue.ts';

const names = { queue: ['orders', 'mails'], topic: ['events'], schedule: ['nightly'], context: ['local'] };

async function completed(line: string): Promise<string[]> {
  const words = line.split(' ');
  return (await candidatesFor(createProgram(), words, async (named) => names[named])).map(({ word }) => word);
}

describe('a completion', () => {
  it.each([
    ['qu', ['queues', 'queue']],
    ['queue p', ['pause', 'purge']],
    ['queue purge ', ['orders', 'mails']],
    ['queue purge o', ['orders']],
    ['queue purge orders ', []],
    ['queue create ', []],
    ['queue purge --y', ['--yes']],
    ['queue purge orders --j', ['--json']],
    ['--context ', ['local']],
    ['--context local queue show m', ['mails']],
    ['--json queue sh', ['show']],
    ['context use ', ['local']],
    ['context add ', []],
    ['dead redrive orders --to-queue m', ['mails']],
    ['dead list orders --reason e', ['expired']],
    ['publish orders --file ', []],
    ['subscriptions ', ['events']],
    ['schedules pause ', ['nightly']],
    ['completion ', ['bash', 'zsh', 'fish']],
    ['start --me', ['--memory']],
    ['keys create ci --scopes re', ['receive', 'read']],
    ['queue purge orders --hel', ['--help']],
    ['nonsense ', []],
  ])('of "%s" offers %j', async (line, words) => {
    expect(await completed(line)).toEqual(words);
  });
});

describe('with a server', () => {
  let queue: LocalQueue;
  let folder: string;
  const environment = () => ({ DUMBWAITER_URL: queue.server.url, DUMBWAITER_API_KEY: adminKey });

  beforeAll(async () => {
    queue = await startLocalQueue();
    folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-completion-'));
    for (const name of ['orders', 'orders-dead', 'mails']) await queue.http.call('createQueue', { queue: name }, {});
  });
  afterAll(async () => {
    await queue.server.close();
    await rm(folder, { recursive: true });
    expect(queue.defects).toEqual([]);
  });

  it('the names of queues come from the deployment, and none where it does not answer', async () => {
    const line = ['complete', '--', 'queue', 'show', 'or'];
    expect(await runCommand(line, environment())).toEqual({ code: 0, out: 'orders\tqueue\norders-dead\tqueue', err: '' });
    const nowhere = { ...environment(), DUMBWAITER_URL: 'http://127.0.0.1:9' };
    expect(await runCommand(line, nowhere)).toEqual({ code: 0, out: '', err: '' });
  });

  it('bash completes commands, options and queues by the printed script', async () => {
    const program = join(folder, 'dumbwaiter');
    const index = join(import.meta.dirname, '../../cli/index.ts');
    await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${index}' "$@"\n`);
    await chmod(program, 0o755);
    const script = `
      source <(dumbwaiter completion bash)
      complete -p dumbwaiter
      try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _dumbwaiter; echo "\${COMPREPLY[*]}"; }
      try dumbwaiter queue purge --ye
      try dumbwaiter queue purge orders''`;
    const env = { PATH: `${folder}:${process.env.PATH}`, ...environment() };
    const { stdout, stderr } = await promisify(execFile)('bash', ['--norc', '-c', script], { env });
    expect(stderr).toBe('');
    expect(stdout.split('\n')).toEqual(['complete -o default -F _dumbwaiter dumbwaiter', '--yes', 'orders orders-dead', '']);
  });
});
