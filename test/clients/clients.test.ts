/**
 * Clients that common generators make of the OpenAPI document work. Each is generated from a running server by the commands of
 * docs/guide.md, compiled, and run on the scenario in its language. Dependencies are installed into a temporary folder.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { adminKey, type LocalQueue, startLocalQueue } from '../support/local-queue.ts';
import { runShell } from './shell.ts';

const guide = readFileSync(join(import.meta.dirname, '../../docs/guide.md'), 'utf8').split('\n## Generated clients\n')[1] ?? '';
/** The shell commands of the guide's paragraphs that begin with these words. */
const commandsOf = (words: string): string => {
  const [, commands] = new RegExp(`^${words}[^\`]*(?:\`[^\`]*\`[^\`]*)*?\`\`\`sh\n([\\s\\S]*?)\`\`\``, 'm').exec(guide) ?? [];
  if (commands === undefined) throw new Error(`docs/guide.md has no commands for ${words}.`);
  return commands;
};

let queue: LocalQueue;
let work: string;
beforeAll(async () => {
  queue = await startLocalQueue();
  work = mkdtempSync(join(tmpdir(), 'dumbwaiter-clients-'));
  await shell(/mvn -q .*/.exec(guide)?.[0] ?? 'false');
});
afterAll(async () => {
  rmSync(work, { recursive: true, force: true });
  await queue.server.close();
  expect(queue.defects).toEqual([]);
});

/** Runs in the temporary folder, with the variables that the scenarios read. Returns the last printed line, as JSON. */
async function shell(commands: string, queueName = ''): Promise<string> {
  const env = { DUMBWAITER_URL: queue.server.url, DUMBWAITER_API_KEY: adminKey, QUEUE: queueName };
  const printed = await runShell(commands, work, env);
  // Maven may colour the line.
  return /.*?(\{.*\})/.exec(printed.split('\n').findLast((line) => line.includes('{')) ?? '')?.[1] ?? '';
}

function take(file: string, folder = ''): void {
  mkdirSync(join(work, folder), { recursive: true });
  copyFileSync(join(import.meta.dirname, file), join(work, folder, file));
}

const attributes = { kind: 'text', size: 3 };

/** What each scenario reports. */
const expected = {
  published: ['ok', 'ok', 'ok', 'invalid_input'],
  received: [
    { body: { order: 1 }, bytes: null, attributes },
    { body: null, bytes: 'AAH/', attributes: {} },
    { body: null, bytes: null, attributes: {} },
  ],
  acked: ['ok', 'invalid_receipt'],
  released: true,
  deadLettered: true,
  putOff: { body: { a: 1 }, bytes: null, attributes },
  edited: { body: { a: 2 }, bytes: null, attributes },
  redriven: ['done', 1],
  refused: [404, 'queue_not_found'],
};

/** A client that gives only the dead-letter queue of a queue has changed no other setting, whatever fields it sent. */
async function hasDefaults(name: string): Promise<void> {
  const plain = { queue: `${name}-plain` };
  await queue.http.call('createQueue', plain);
  const { name: _, deadLetter, createdAt, updatedAt, counts, ...settings } = await queue.http.call('getQueue', { queue: name });
  expect(await queue.http.call('getQueue', plain)).toMatchObject(settings);
  expect(deadLetter?.queue).toBe(`${name}-dead`);
}

it('a Java client of openapi-generator works, although it sends null for fields that are not set', async () => {
  await shell(commandsOf('Java'));
  take('Scenario.java', 'java/src/main/java');
  const run = 'mvn -B -q -f java/pom.xml compile org.codehaus.mojo:exec-maven-plugin:3.5.0:java -Dexec.mainClass=Scenario';
  expect(JSON.parse(await shell(run, 'java'))).toEqual(expected);
  await hasDefaults('java');
});

it('a Python client of openapi-generator works', async () => {
  await shell(commandsOf('Python'));
  take('scenario.py');
  const pinned = ['pydantic==2.12.5', 'urllib3==2.6.2', 'python-dateutil==2.9.0.post0', 'typing-extensions==4.15.0'];
  await shell(`python3 -m venv venv && venv/bin/pip install -q --disable-pip-version-check ${pinned.join(' ')}`);
  expect(JSON.parse(await shell('PYTHONPATH=python venv/bin/python scenario.py', 'python'))).toEqual(expected);
  await hasDefaults('python');
});

it('a Go client of openapi-generator works', async () => {
  await shell(commandsOf('Go'));
  take('scenario.go', 'scenario');
  const module = 'example.com/generated/dumbwaiter';
  writeFileSync(
    join(work, 'scenario/go.mod'),
    `module scenario\n\ngo 1.23\n\nrequire ${module} v0.0.0\n\nreplace ${module} => ../go\n`,
  );
  expect(JSON.parse(await shell('cd scenario && go run scenario.go', 'go'))).toEqual(expected);
  await hasDefaults('go');
});

it('a TypeScript client of openapi-typescript and openapi-fetch works, and its types are right', async () => {
  writeFileSync(join(work, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  await shell(commandsOf('TypeScript'));
  take('scenario.mts');
  const check = 'npx tsc --noEmit --strict --target es2024 --module nodenext --allowImportingTsExtensions --skipLibCheck';
  await shell(`${check} --types node --typeRoots ${join(import.meta.dirname, '../../node_modules/@types')} scenario.mts`);
  expect(JSON.parse(await shell('node scenario.mts', 'typescript'))).toEqual(expected);
  await hasDefaults('typescript');
});
