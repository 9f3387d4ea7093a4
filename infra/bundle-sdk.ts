/**
 * Bundles the modules of the SDK that need other packages over what `tsc` made of them, so that the package needs none at run time:
 * `dumbwaiter/direct` with the engine (the AWS client stays the user's), and the schemas, which the construct judges declarations by.
 * Errors stay the package's own, so that `instanceof DumbwaiterError` holds.
 */
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const errors = join(root, 'contract', 'errors.ts');
const modules = ['direct/transport', 'contract/schemas/parse'];

/** `module`: the bundle that imports the errors, by the path from its own folder. */
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
