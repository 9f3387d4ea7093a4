/**
 * Bundles `sdk/direct.ts`, the engine with it, into `dist/sdk/direct.js`, over what `tsc` made of it: whoever imports `dumbwaiter/direct` needs
 * the AWS client beside it and nothing else. Errors stay the package's own, so that `instanceof DumbwaiterError` holds.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const errors = join(root, 'sdk', 'errors.ts');

const sharedErrors: Plugin = {
  name: 'shared-errors',
  setup({ onResolve }) {
    onResolve({ filter: /\/errors\.ts$/ }, ({ path, resolveDir }) =>
      join(resolveDir, path) === errors ? { path: './errors.js', external: true } : undefined,
    );
  },
};

export async function bundleDirect(into = join(root, 'dist', 'sdk')): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: [join('sdk', 'direct.ts')],
    outfile: join(into, 'direct.js'),
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

if (import.meta.main) await bundleDirect();
