/** Bundles `dumbwaiter-queue/testing` as an ES module, and makes a module for programs that load by `require`. */
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** CommonJS packages within the bundle load modules of Node by `require`. */
const requireForPackages = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
/** Node's own `require` loads ES modules from 22.13 on. That of Jest does so only with `--experimental-vm-modules`. */
const commonJs = `const { createRequire } = process.getBuiltinModule('node:module');
module.exports = createRequire(__filename)('./index.mjs');
`;

const options = {
  absWorkingDir: root,
  entryPoints: { index: 'testing/index.ts' },
  bundle: true,
  // Only a server on DynamoDB, and targets that are functions, need the AWS SDK.
  external: ['@aws-sdk/*'],
  platform: 'node',
  target: 'node22',
  mainFields: ['module', 'main'],
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
} satisfies BuildOptions;

export async function bundleTesting(into = join(root, 'dist', 'testing')): Promise<void> {
  await build({ ...options, outdir: into, outExtension: { '.js': '.mjs' }, format: 'esm', banner: { js: requireForPackages } });
  await writeFile(join(into, 'index.cjs'), commonJs);
}

if (import.meta.main) await bundleTesting();
