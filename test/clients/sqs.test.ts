/** boto3 and the AWS CLI work on the SQS API, by the commands and the program of docs/coming-from-sqs.md and by a scenario of their own. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalSqs, startLocalSqs } from '../support/local-sqs.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/coming-from-sqs.md'), 'utf8');
/** The page's block of code in a language. */
const codeOf = (language: string): string => page.split(`\`\`\`${language}\n`)[1]?.split('```')[0] ?? '';

let local: LocalSqs;
let work: string;
beforeAll(async () => {
  local = await startLocalSqs();
  work = mkdtempSync(join(tmpdir(), 'dumbwaiter-sqs-clients-'));
  await shell(`python3 -m venv venv && venv/bin/pip install -q -r '${join(import.meta.dirname, 'sqs-requirements.txt')}'`);
});
afterAll(async () => {
  rmSync(work, { recursive: true, force: true });
  await local.close();
  expect(local.defects).toEqual([]);
});

async function shell(commands: string, queue = ''): Promise<string> {
  const credentials = { AWS_ACCESS_KEY_ID: 'any', AWS_SECRET_ACCESS_KEY: 'any', AWS_DEFAULT_REGION: 'us-east-1' };
  const path = `${join(work, 'venv/bin')}:${process.env.PATH}`;
  const env = { ...process.env, ...credentials, PATH: path, AWS_ENDPOINT_URL_SQS: local.server.url, QUEUE: queue };
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', commands], { cwd: work, env });
  return stdout;
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
    fifo: 'AWS.SimpleQueueService.UnsupportedOperation',
  });
});
