import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleFunctions, type FunctionBundle, filesLoaded, startBytesMax } from '../../infra/bundle.ts';
import { bundlePrograms } from '../../infra/bundle-programs.ts';
import { functionEntries, functionFilesName } from '../../infra/entries.ts';
import { cases } from '../support/cases.ts';

let folder: string;
let bundle: FunctionBundle;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-bundles-'));
  bundle = await bundleFunctions(folder);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test('the bundle has a source map for each file and no file of an earlier build', async () => {
  const names = (await readdir(folder)).filter((name) => name !== functionFilesName);
  const code = names.filter((name) => name.endsWith('.mjs'));
  expect(names.sort()).toEqual(code.flatMap((name) => [name, `${name}.map`]).sort());
  expect(code).toEqual(expect.arrayContaining(bundle.files));
});

describe.each(cases(functionEntries))('the function %s', (entry) => {
  const outputs = () =>
    [...filesLoaded(bundle.metafile, `functions/lambda/${entry}.ts`, true)].map((path) => bundle.metafile.outputs[path]!);

  test('the code that a cold start of the function loads stays under its limit, and is only part of what it may load', () => {
    const { bytes, startBytes } = bundle.sizes.find((one) => one.entry === entry)!;
    expect(startBytes).toBeLessThanOrEqual(startBytesMax);
    expect(startBytes).toBeLessThan(bytes);
  });

  test('the function needs only modules of Node', () => {
    const external = outputs().flatMap(({ imports }) => imports.filter((one) => one.external).map(({ path }) => path));
    expect(external.filter((path) => !builtinModules.includes(path.replace(/^node:/, '')))).toEqual([]);
  });

  test('the function loads no part of the AWS SDK and nothing that only servers need', () => {
    const inputs = outputs().flatMap(({ inputs }) => Object.keys(inputs));
    expect(inputs.length).toBeGreaterThan(0);
    expect(inputs.filter((path) => /node_modules\/(@aws-sdk|@smithy|commander|prom-client|ws)\//.test(path))).toEqual([]);
    expect(inputs.filter((path) => /functions\/(local|serve)\/|engine\/sqlite\//.test(path))).toEqual([]);
  });

  test('the function imports no CommonJS package on demand, because the names of its exports would be missing', () => {
    const onDemand = outputs().flatMap(({ imports }) => imports.filter(({ kind }) => kind === 'dynamic-import'));
    expect(onDemand.length).toBeGreaterThan(0);
    const entryPoints = onDemand.flatMap(({ path }) => bundle.metafile.outputs[path]?.entryPoint ?? []);
    expect(entryPoints.filter((path) => bundle.metafile.inputs[path]!.format === 'cjs')).toEqual([]);
  });

  test('the function loads outside any node_modules, from the files of functions alone, and exports its handler', async () => {
    const others = (await readdir(folder)).filter((name) => name.endsWith('.mjs') && !bundle.files.includes(name));
    expect(others.length).toBeGreaterThan(0);
    expect(outputs().length).toBeGreaterThan(1);
    const loaded = [...filesLoaded(bundle.metafile, `functions/lambda/${entry}.ts`, true)].map((path) => basename(path));
    expect(loaded.filter((name) => others.includes(name))).toEqual([]);
    const variables = {
      DUMBWAITER_MESSAGES_TABLE: 'm',
      DUMBWAITER_LEASES_TABLE: 'l',
      DUMBWAITER_QUEUES_TABLE: 'q',
      AWS_REGION: 'eu-west-1',
    };
    const path = JSON.stringify(join(folder, `${entry}.mjs`));
    const load = `import(${path}).then(({ handler }) => console.log(typeof handler))`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--eval', load], { cwd: folder, env: variables, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout.trim()).toBe('function');
  });
});

test('the command line contains no part of a server or of the AWS SDK: the servers share theirs', async () => {
  const { inputs } = await bundlePrograms(join(folder, 'programs'));
  expect(Object.keys(inputs)).toContain('cli/main.ts');
  expect(Object.keys(inputs).filter((path) => /node_modules\/@(aws-sdk|smithy)\/|^engine\//.test(path))).toEqual([]);
});
