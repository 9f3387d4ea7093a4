import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiBundleBytesMax, type Bundle, bundleFunctions } from '../../infra/bundle.ts';
import { functionEntries } from '../../infra/entries.ts';
import { cases } from '../support/cases.ts';

let folder: string;
let bundles: Map<string, Bundle>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-bundles-'));
  bundles = new Map((await bundleFunctions(folder)).map((bundle) => [bundle.entry, bundle]));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test('the api bundle stays under its limit, and a cold start loads only part of it', () => {
  const { bytes, startBytes } = bundles.get('api')!;
  expect(bytes).toBeLessThanOrEqual(apiBundleBytesMax);
  expect(startBytes).toBeLessThan(bytes);
});

describe.each(cases(functionEntries))('the bundle %s', (entry) => {
  test('the bundle needs only modules of Node', async () => {
    const { outputs }: Metafile = JSON.parse(await readFile(join(folder, `${entry}.meta.json`), 'utf8'));
    const external = Object.values(outputs).flatMap(({ imports }) =>
      imports.filter((one) => one.external).map(({ path }) => path),
    );
    expect(external.filter((path) => !builtinModules.includes(path.replace(/^node:/, '')))).toEqual([]);
  });

  test('the bundle contains no part of the AWS SDK', async () => {
    const { inputs }: Metafile = JSON.parse(await readFile(join(folder, `${entry}.meta.json`), 'utf8'));
    expect(Object.keys(inputs).length).toBeGreaterThan(0);
    expect(Object.keys(inputs).filter((path) => /node_modules\/@(aws-sdk|smithy)\//.test(path))).toEqual([]);
  });

  test('the bundle imports no CommonJS package on demand, because the names of its exports would be missing', async () => {
    const { inputs, outputs }: Metafile = JSON.parse(await readFile(join(folder, `${entry}.meta.json`), 'utf8'));
    const onDemand = Object.values(outputs).flatMap(({ imports }) => imports.filter(({ kind }) => kind === 'dynamic-import'));
    expect(onDemand.length).toBeGreaterThan(0);
    const entryPoints = onDemand.flatMap(({ path }) => outputs[path]?.entryPoint ?? []);
    expect(entryPoints.filter((path) => inputs[path]!.format === 'cjs')).toEqual([]);
  });

  test('the bundle loads outside any node_modules and exports its handler', () => {
    const index = join(bundles.get(entry)!.folder, 'index.mjs');
    const variables = {
      DUMBWAITER_MESSAGES_TABLE: 'm',
      DUMBWAITER_LEASES_TABLE: 'l',
      DUMBWAITER_QUEUES_TABLE: 'q',
      AWS_REGION: 'eu-west-1',
    };
    const load = `import(${JSON.stringify(index)}).then(({ handler }) => console.log(typeof handler))`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--eval', load], { cwd: folder, env: variables, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout.trim()).toBe('function');
  });

  test('the bundle has a source map for each file and no file of an earlier build', async () => {
    const names = await readdir(bundles.get(entry)!.folder);
    const code = names.filter((name) => name.endsWith('.mjs'));
    expect(names.sort()).toEqual(code.flatMap((name) => [name, `${name}.map`]).sort());
  });
});
