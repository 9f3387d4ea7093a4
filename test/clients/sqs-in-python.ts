/** boto3 and the AWS CLI in a virtual environment of their own, and programs in boto3 that several suites run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runShell } from './shell.ts';

export interface PythonClients {
  /** A folder for what programs write. */
  folder: string;
  /** Runs commands of the shell with these variables. Returns what they print. Rejects, with what they printed, if one fails. */
  shell(commands: string, variables: Record<string, string>): Promise<string>;
  /** Runs a program of this folder, whose queues' names begin with this one. Returns what it saw. Default `python`: with the newest boto3. */
  scenario(program: string, queue: string, variables: Record<string, string>, python?: string): Promise<unknown>;
  close(): void;
}

export async function installPythonClients(): Promise<PythonClients> {
  const folder = mkdtempSync(join(tmpdir(), 'dumbwaiter-sqs-clients-'));
  const PATH = `${join(folder, 'venv/bin')}:${process.env.PATH}`;
  const shell: PythonClients['shell'] = (commands, variables) =>
    runShell(commands, folder, { AWS_DEFAULT_REGION: 'us-east-1', ...variables, PATH });
  await shell(`python3 -m venv venv && venv/bin/pip install -q -r '${join(import.meta.dirname, 'sqs-requirements.txt')}'`, {});
  return {
    folder,
    shell,
    scenario: async (program, queue, variables, python = 'python') =>
      JSON.parse(await shell(`${python} '${join(import.meta.dirname, program)}'`, { ...variables, QUEUE: queue })),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What `sqs-scenario.py` sees, on every server. */
export const scenarioSees = {
  body: 'one <&> 😀',
  attributes: { text: 'größe', number: '1.50', bytes: [0, 255] },
  receives: '2',
  sent: 10,
  deleted: 10,
  tags: { team: 'a' },
  sources: true,
  died: 'poison',
  moved: 'poison',
  refused: 'AWS.SimpleQueueService.NonExistentQueue',
};
