/** boto3 and the AWS CLI work on the SQS API, by the commands and the program of docs/coming-from-sqs.md and by a scenario of their own. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalSqs, sqsEnvironment, startLocalSqs } from '../support/local-sqs.ts';
import { installPythonClients, type PythonClients, scenarioSees } from './sqs-in-python.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/coming-from-sqs.md'), 'utf8');
/** The page's block of code in a language. */
const codeOf = (language: string): string => page.split(`\`\`\`${language}\n`)[1]?.split('```')[0] ?? '';

let local: LocalSqs;
let programs: PythonClients;
beforeAll(async () => {
  local = await startLocalSqs({ signed: true });
  programs = await installPythonClients();
});
afterAll(async () => {
  programs?.close();
  await local.close();
  expect(local.defects).toEqual([]);
});

const shell = (commands: string) => programs.shell(commands, sqsEnvironment(local.server));

it('the commands that the page shows for the AWS CLI send and receive a message', async () => {
  const commands = codeOf('sh');
  expect(commands).toContain('receive-message');
  expect(await shell(commands)).toContain('"Body": "Hello, world"');
});

it('the program that the page shows for boto3 sends, receives and deletes a message', async () => {
  const program = codeOf('python').replaceAll('orders', 'orders-of-boto3');
  expect(program).toContain('delete_message');
  writeFileSync(join(programs.folder, 'page.py'), program);
  expect(await shell('python page.py')).toBe('Hello, world\n');
  const { counts } = await local.http.call('getQueue', { queue: 'orders-of-boto3' });
  expect(counts).toMatchObject({ ready: 0, leased: 0 });
});

it('boto3 sees messages, attributes, batches, tags, dead letters and errors as SQS has them', async () => {
  expect(await programs.scenario('sqs-scenario.py', 'boto3', sqsEnvironment(local.server))).toEqual(scenarioSees);
});

it('the last boto3 that speaks the Query protocol sees the same', async () => {
  await shell('python3 -m venv query && query/bin/pip install -q boto3==1.28.80 botocore==1.31.80');
  const seen = await programs.scenario('sqs-scenario.py', 'query', sqsEnvironment(local.server), 'query/bin/python');
  expect(seen).toEqual(scenarioSees);
});

it('boto3 sends and receives messages of a FIFO queue in order, without duplicates', async () => {
  const seen = await programs.scenario('sqs-fifo-scenario.py', 'boto3-fifo', sqsEnvironment(local.server));
  expect(seen).toEqual({
    attributes: { FifoQueue: 'true', ContentBasedDeduplication: 'true', DeduplicationScope: 'queue' },
    duplicate: true,
    order: ['a0', 'a1', 'a2', 'a3', 'a4'],
    growing: true,
    blocked: [],
    others: ['b0'],
    again: ['a0', '2'],
    refused: ['InvalidParameterValue', 'InvalidParameterValue'],
  });
});
