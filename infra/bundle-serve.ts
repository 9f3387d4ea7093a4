/**
 * Bundles the server for teams (`functions/serve/`) into `dist/serve/index.mjs`, the program of the container. It contains all that it
 * needs, the AWS SDK too: an installed package has no dependencies.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { nodeProgram } from './bundle.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** CommonJS packages within the bundle load modules of Node by `require`. */
const requireForPackages = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

export async function bundleServe(into = join(root, 'dist', 'serve')): Promise<void> {
  await build({
    ...nodeProgram,
    entryPoints: { index: 'functions/serve/serve.ts' },
    outdir: into,
    banner: { js: requireForPackages },
    legalComments: 'inline',
  });
}

if (import.meta.main) await bundleServe();
