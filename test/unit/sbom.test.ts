/** The bill of materials that a release publishes. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

it('the bill of materials is CycloneDX and lists each dependency of the package with its version', {
  timeout: 120_000,
}, async () => {
  const { stdout } = await promisify(execFile)('npm', ['run', '-s', 'sbom'], { cwd: root, maxBuffer: 1 << 26 });
  const bill = JSON.parse(stdout) as { bomFormat: string; components: { name: string; version: string }[] };
  expect(bill.bomFormat).toBe('CycloneDX');
  const { devDependencies } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { devDependencies: object };
  const expected = Object.entries(devDependencies).map(([name, version]) => `${name}@${version}`);
  expect(expected.length).toBeGreaterThan(0);
  const listed = new Set(bill.components.map(({ name, version }) => `${name}@${version}`));
  expect(expected.filter((one) => !listed.has(one))).toEqual([]);
});
