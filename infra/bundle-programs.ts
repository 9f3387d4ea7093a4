/**
 * Bundles the programs of the package: the server for teams (`dist/serve/index.mjs`, also the program of the container) and the command line
 * (`dist/cli/index.mjs`). Each contains all that it needs, the AWS SDK too: an installed package has no dependencies.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { nodeProgram } from './bundle.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const programs = {
  serve: { entry: 'functions/serve/serve.ts' },
  // Commands are loaded as parts: none of them is the program itself.
  cli: { entry: 'cli/index.ts', define: { 'import.meta.main': 'false' } },
};

/** CommonJS packages within the bundle load modules of Node by `require`. */
const requireForPackages = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

export async function bundlePrograms(into = join(root, 'dist')): Promise<void> {
  for (const [name, { entry, ...options }] of Object.entries(programs)) {
    await build({
      ...nodeProgram,
      ...options,
      entryPoints: { index: entry },
      outdir: join(into, name),
      banner: { js: requireForPackages },
      legalComments: 'inline',
    });
  }
}

if (import.meta.main) await bundlePrograms();
