import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Transport } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { openCallLog, readCallLogs } from './call-log.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-calls-'));
});
afterEach(() => rm(folder, { recursive: true }));

const answering = (answer: () => Promise<unknown>): Transport => ({ call: () => answer() as Promise<never> });

it('a call log reads back what was answered, refused and lost, in the order in which calls began', async () => {
  const file = join(folder, 'p.jsonl');
  const log = openCallLog(file, 'p');
  const output = { messages: [] };
  const refusal = new DumbwaiterError('queue_not_found', 'no', { requestId: 'r' });
  expect(
    await log.call(
      answering(async () => output),
      'receive',
      { queue: 'a' },
      {},
    ),
  ).toEqual(output);
  expect(
    await log.call(
      answering(() => Promise.reject(refusal)),
      'receive',
      { queue: 'b' },
      {},
    ),
  ).toBeUndefined();
  // A call without an answer may have taken effect.
  const lost = new DumbwaiterError('unavailable', 'No answer');
  expect(
    await log.call(
      answering(() => Promise.reject(lost)),
      'receive',
      { queue: 'c' },
      {},
    ),
  ).toBeUndefined();
  log.close();
  const calls = await readCallLogs([file]);
  expect(calls.map(({ answer }) => answer)).toEqual([{ output }, { refused: 'queue_not_found', message: 'no' }, { lost: true }]);
  expect(calls.map(({ params, process }) => [params, process])).toEqual(['a', 'b', 'c'].map((queue) => [{ queue }, 'p']));
});

it('a call log counts a call in progress at a kill as lost, and skips half a line', async () => {
  const file = join(folder, 'p.jsonl');
  const log = openCallLog(file, 'p');
  void log.call(
    answering(() => new Promise(() => {})),
    'purge',
    { queue: 'a' },
    {},
  );
  log.close();
  await appendFile(file, '{"number":0,"answer":{"outp');
  const calls = await readCallLogs([file, join(folder, 'never-begun.jsonl')]);
  expect(calls).toMatchObject([{ operation: 'purge', answer: { lost: true }, endedAt: undefined }]);
});
