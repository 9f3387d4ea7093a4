import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const program = join(import.meta.dirname, '../../infra/deploy.ts');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dumbwaiter-deploy-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the script with a `cdk` that ends with this exit code. */
function deploy(status: number, ...parameters: string[]) {
  const cdk = join(folder, 'cdk');
  writeFileSync(cdk, `#!/bin/sh\necho "cdk $@"\nexit ${status}\n`);
  chmodSync(cdk, 0o755);
  return spawnSync(process.execPath, [program, ...parameters], { env: { PATH: `${folder}:/usr/bin:/bin` }, encoding: 'utf8' });
}

test('a deployment that fails says what a failed first deployment leaves behind, and fails', () => {
  const { stdout, stderr, status } = deploy(3, '-c', 'stack=Other');
  expect(stdout).toBe('cdk deploy -c stack=Other\n');
  expect(stderr.replace(/\s+/g, ' ')).toContain('the three tables, which are protected and empty');
  expect(status).toBe(3);
});

test('a deployment that succeeds prints nothing more', () => {
  expect(deploy(0)).toMatchObject({ stdout: 'cdk deploy\n', stderr: '', status: 0 });
});
