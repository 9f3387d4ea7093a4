/**
 * Bundles the command line (`dist/cli/index.mjs`) and the program of the server for teams and of the container
 * (`dist/serve/index.mjs`, whose code is beside the other). The servers themselves are in `dist/functions`. An installed package has no dependencies.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';
import { nodeProgram } from './bundle.ts';

const serveProgram = `import { serveProgram } from '../cli/serve.mjs';
await serveProgram();
`;

/** What needs the servers or the AWS SDK is loaded from the servers' own bundle. */
const servers: Plugin = {
  name: 'servers',
  setup({ onResolve }) {
    onResolve({ filter: /\/(run-start|run-serve|read-stack)\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: '../functions/servers.mjs', external: true } : undefined,
    );
  },
};

/** Returns the metafile. */
export async function bundlePrograms(dist: string): Promise<Metafile> {
  await mkdir(join(dist, 'serve'), { recursive: true });
  await writeFile(join(dist, 'serve', 'index.mjs'), serveProgram);
  const { metafile } = await build({
    ...nodeProgram,
    entryPoints: { index: join('cli', 'index.ts'), serve: join('functions', 'serve', 'serve.ts') },
    outdir: join(dist, 'cli'),
    plugins: [servers],
  });
  return metafile;
}
