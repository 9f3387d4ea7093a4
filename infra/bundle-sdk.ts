/**
 * Bundles the SDK modules that use other packages, and overwrites the output of `tsc` with the bundles. The published package then has no
 * dependencies at run time. Bundled are `dumbwaiter-queue/direct` with the engine (but not the AWS SDK, which the user provides), and the schemas
 * by which the construct validates declarations. The errors module stays shared, so that `instanceof DumbwaiterError` works.
 */
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const errors = join(root, 'contract', 'errors.ts');
const modules = ['direct/transport', 'contract/schemas/parse'];

/** Keeps the import of the errors module external, as a path relative to the bundle `module`. */
function sharedErrors(module: string): Plugin {
  const path = relative(dirname(module), 'contract/errors.js');
  const external = { path: path.startsWith('.') ? path : `./${path}`, external: true };
  return {
    name: 'shared-errors',
    setup({ onResolve }) {
      onResolve({ filter: /\/errors\.ts$/ }, ({ path, resolveDir }) =>
        join(resolveDir, path) === errors ? external : undefined,
      );
    },
  };
}

export async function bundleSdk(into = join(root, 'dist')): Promise<void> {
  await Promise.all(modules.map((module) => bundle(module, into)));
}

async function bundle(module: string, into: string): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: { [module]: `${module}.ts` },
    outdir: into,
    allowOverwrite: true,
    bundle: true,
    external: ['@aws-sdk/*'],
    plugins: [sharedErrors(module)],
    platform: 'node',
    target: 'node20',
    format: 'esm',
    mainFields: ['module', 'main'],
    legalComments: 'inline',
    logLevel: 'warning',
  });
}

if (import.meta.main) await bundleSdk();
