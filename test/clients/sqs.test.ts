/** boto3 and the AWS CLI work on the SQS API, by the commands and the program of docs/coming-from-sqs.md and by a scenario of their own. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalSqs, sqsEnvironment, startLocalSqs } from '../support/local-sqs.ts';
import { runShell } from './shell.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/coming-from-sqs.md'), 'utf8');
/** The page's block of code in a language. */
const codeOf = (language: string): string => page.split(`\`\`\`${language}\n`)[1]?.split('```')[0] ?? '';

let local: LocalSqs;
let work: string;
beforeAll(async () => {
  local = await startLocalSqs({ signed: true });
  work = mkdtempSync(join(tmpdir(), 'dumbwaiter-sqs-clients-'));
  await shell(`python3 -m venv venv && venv/bin/pip install -q -r '${join(import.meta.dirname, 'sqs-requirements.txt')}'`);
});
afterAll(async () => {
  rmSync(work, { recursive: true, force: true });
  await local.close();
  expect(local.defects).toEqual([]);
});

function shell(commands: string, queue = ''): Promise<string> {
  const PATH = `${join(work, 'venv/bin')}:${process.env.PATH}`;
  return runShell(commands, work, { ...sqsEnvironment(local.server), PATH, QUEUE: queue });
}

it('the commands that the page shows for the AWS CLI send and receive a message', async () => {
  const commands = codeOf('sh');
  expect(commands).toContain('receive-message');
  expect(await shell(commands)).toContain('"Body": "Hello, world"');
});

it('the program that the page shows for boto3 sends, receives and deletes a message', async () => {
  const program = codeOf('python').replaceAll('orders', 'orders-of-boto3');
  expect(program).toContain('delete_message');
  writeFileSync(join(work, 'page.py'), program);
  expect(await shell('python page.py')).toBe('Hello, world\n');
  const { counts } = await local.http.call('getQueue', { queue: 'orders-of-boto3' });
  expect(counts).toMatchObject({ ready: 0, leased: 0 });
});

it('boto3 sees messages, attributes, batches, tags and errors as SQS has them', async () => {
  const seen = await shell(`python '${join(import.meta.dirname, 'sqs-scenario.py')}'`, 'boto3');
  expect(JSON.parse(seen)).toEqual({
    body: 'one <&> 😀',
    attributes: { text: 'größe', number: '1.50', bytes: [0, 255] },
    receives: '2',
    sent: 10,
    deleted: 10,
    tags: { team: 'a' },
    sources: true,
    refused: 'AWS.SimpleQueueService.NonExistentQueue',
  });
});

it('boto3 sends and receives messages of a FIFO queue in order, without duplicates', async () => {
  const seen = await shell(`python '${join(import.meta.dirname, 'sqs-fifo-scenario.py')}'`, 'boto3-fifo');
  expect(JSON.parse(seen)).toEqual({
    attributes: { FifoQueue: 'true', ContentBasedDeduplication: 'true', DeduplicationScope: 'queue' },
    duplicate: true,
    order: ['a0', 'a1', 'a2', 'a3', 'a4'],
    growing: true,
    blocked: [],
    others: ['b0'],
    again: ['a0', '2'],
    failed: ['MissingParameter'],
    refused: 'InvalidParameterValue',
  });
});
