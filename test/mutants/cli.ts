/**
 * `npm run mutants [-- --histories K --only 'TEXT|TEXT']`: breaks the rules one by one, in a copy of the source. With `only`: the mutants
 * that have one of the texts in their name or file. It runs the tests that the mutant names, then the simulation, until one fails. Prints
 * each mutant, what caught it, and after how many histories. Ends with 1 if a mutant survives or does not fit the source.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { runMany as RunMany } from '../simulation/run/many.ts';
import { mutants } from './list.ts';
import { type Mutant, mutatedSource } from './mutant.ts';

const { values } = parseArgs({
  options: {
    histories: { type: 'string', default: '4000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
  },
});
const root = join(import.meta.dirname, '../..');
const copied = [
  'aws',
  'contract',
  'engine',
  'sdk',
  'direct',
  'functions',
  'test',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
];
/** A history takes milliseconds. An endless one breaks a promise. */
const simulationMsMax = 15 * 60_000;

interface Caught {
  by: string;
  histories?: number;
}

// A copy of the source as it is now: it may be edited during the run.
const snapshot = mkdtempSync(join(tmpdir(), 'mutants-'));
for (const path of copied) cpSync(join(root, path), join(snapshot, path), { recursive: true });
symlinkSync(join(root, 'node_modules'), join(snapshot, 'node_modules'));

const wanted = values.only.split('|');
const chosen = mutants.filter(({ name, file }) => wanted.some((text) => name.includes(text) || file.includes(text)));
for (const mutant of chosen) sourceOf(mutant);
// A test that fails without any mutant would seem to catch them all.
const caughtUnmutated = await catchIn(snapshot, [...new Set(chosen.flatMap(({ tests = [] }) => tests))]);
if (caughtUnmutated) throw new Error(`without any mutant a test fails: ${textOf(caughtUnmutated)}`);
let survivors = 0;
for (const mutant of chosen) {
  const caught = await catchMutant(mutant);
  if (!caught) survivors++;
  console.log(`${mutant.name.padEnd(76)} ${caught ? textOf(caught) : 'SURVIVED'}`);
}
rmSync(snapshot, { recursive: true });
console.log(`\n${chosen.length} mutants, ${survivors} survived`);
process.exitCode = survivors > 0 ? 1 : 0;

function sourceOf(mutant: Mutant): string {
  return mutatedSource(mutant, readFileSync(join(snapshot, mutant.file), 'utf8'));
}

async function catchMutant(mutant: Mutant): Promise<Caught | undefined> {
  const tree = mkdtempSync(join(tmpdir(), 'mutant-'));
  try {
    cpSync(snapshot, tree, { recursive: true });
    writeFileSync(join(tree, mutant.file), sourceOf(mutant));
    return await catchIn(tree, mutant.tests ?? []);
  } finally {
    rmSync(tree, { recursive: true });
  }
}

function textOf({ by, histories }: Caught): string {
  return histories === undefined ? by : `${by}, after ${histories} histories`;
}

async function catchIn(tree: string, tests: readonly string[]): Promise<Caught | undefined> {
  return (await byTests(tree, tests)) ?? (await bySimulation(tree));
}

async function bySimulation(tree: string): Promise<Caught | undefined> {
  const { runMany } = (await import(join(tree, 'test/simulation/run/many.ts'))) as { runMany: typeof RunMany };
  const { failures, histories } = await runMany({
    seed: Number(values.seed),
    histories: Number(values.histories),
    threads: Math.min(2, availableParallelism()),
    stopAtFailure: true,
    timeoutMs: simulationMsMax,
  });
  return failures[0] && { by: failures[0].promises.join(', '), histories };
}

async function byTests(tree: string, tests: readonly string[]): Promise<Caught | undefined> {
  for (const test of tests) {
    const [failed] = await failuresOf(tree, test);
    if (failed !== undefined) return { by: `${test}: ${failed}` };
  }
  return undefined;
}

/**
 * The names of the failing tests of a file, over the store in memory. Rejects if the file does not run at all, because it then catches
 * nothing.
 */
async function failuresOf(tree: string, test: string): Promise<string[]> {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '--root', tree, '--reporter', 'json', '--bail', '1', test];
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, args, { cwd: tree, env: { ...process.env, TEST_STORE: 'memory' } }, (_, stdout) =>
      resolve(stdout),
    );
  });
  const report = JSON.parse(output.slice(output.indexOf('{'))) as VitestReport;
  const failed = report.testResults.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status }) => status === 'failed').map(({ title }) => title),
  );
  if (failed.length === 0 && !report.success) throw new Error(`${test} failed, but none of its tests: ${output}`);
  return failed;
}

interface VitestReport {
  success: boolean;
  testResults: { assertionResults: { status: string; title: string }[] }[];
}
