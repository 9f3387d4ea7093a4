/**
 * Bundles the modules of the SDK that need other packages over what `tsc` made of them, so that the package needs none at run time:
 * `dumbwaiter/direct` with the engine (the AWS client stays the user's), and the schemas, which the construct judges declarations by.
 * Errors stay the package's own, so that `instanceof DumbwaiterError` holds.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const errors = join(root, 'sdk', 'errors.ts');
const modules = ['direct', 'schemas'];

const sharedErrors: Plugin = {
  name: 'shared-errors',
  setup({ onResolve }) {
    onResolve({ filter: /\/errors\.ts$/ }, ({ path, resolveDir }) =>
      join(resolveDir, path) === errors ? { path: './errors.js', external: true } : undefined,
    );
  },
};

export async function bundleSdk(into = join(root, 'dist', 'sdk')): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: modules.map((name) => join('sdk', `${name}.ts`)),
    outdir: into,
    allowOverwrite: true,
    bundle: true,
    external: ['@aws-sdk/*'],
    plugins: [sharedErrors],
    platform: 'node',
    target: 'node20',
    format: 'esm',
    mainFields: ['module', 'main'],
    legalComments: 'inline',
    logLevel: 'warning',
  });
}

if (import.meta.main) await bundleSdk();
