import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleAll } from '../../infra/build.ts';
import { root } from '../../infra/bundle.ts';
import { noticesName, writeNotices } from '../../infra/third-party-notices.ts';

let folder: string;
let metafiles: Metafile[];
let notices: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-notices-'));
  metafiles = await bundleAll(folder);
  await writeNotices(metafiles, folder);
  notices = await readFile(join(folder, noticesName), 'utf8');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test('the notices name each package that a bundle contains, with its version, and no package of the tools alone', async () => {
  const outputs = metafiles.flatMap(({ outputs }) => Object.values(outputs));
  const contained = outputs.flatMap(({ inputs }) => Object.keys(inputs).filter((path) => inputs[path]!.bytesInOutput > 0));
  const folders = new Set(
    contained
      .filter((path) => path.includes('node_modules/'))
      .map((path) => path.split('/').slice(0, path.includes('/@') ? 3 : 2)),
  );
  const expected = new Set<string>();
  for (const parts of folders) {
    const { name, version } = JSON.parse(await readFile(join(root, ...parts, 'package.json'), 'utf8'));
    expected.add(`- ${name} ${version}`);
  }
  for (const name of ['zod', 'hono', 'commander', '@aws-sdk/client-dynamodb', 'preact', '@picocss/pico', 'croner', 'ws']) {
    expect([...expected].join('\n')).toMatch(new RegExp(`^- ${name} \\d`, 'm'));
  }
  const named = notices.split('\n').filter((line) => /^- \S+ \d+\.\d+\.\d+\S*$/.test(line));
  expect(new Set(named)).toEqual(expected);
});

test('the notices give the licence of each package, and its text wherever the package has one', () => {
  const sections = notices.split(/^## /m).slice(1);
  expect(sections.length).toBeGreaterThan(3);
  const withoutText = sections.filter((section) => !section.includes('```text\n'));
  expect(withoutText).toEqual([]);
});
