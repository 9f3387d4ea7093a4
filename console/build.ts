/** Bundles the console: a page, a script and a style sheet. `npm run build` writes them to `dist/console/`. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));

/** The files of the console by name. */
export async function bundleConsole(): Promise<Map<string, Uint8Array>> {
  const { outputFiles } = await build({
    entryPoints: { console: join(here, 'main.tsx'), style: join(here, 'console.css') },
    entryNames: '[name]',
    outdir: here,
    write: false,
    bundle: true,
    minify: true,
    platform: 'browser',
    target: 'es2024',
    format: 'esm',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'warning',
  });
  const page = await readFile(join(here, 'index.html'));
  return new Map([['index.html', page], ...outputFiles.map(({ path, contents }) => [basename(path), contents] as const)]);
}

if (import.meta.main) {
  const into = join(here, '..', 'dist', 'console');
  await mkdir(into, { recursive: true });
  for (const [name, content] of await bundleConsole()) await writeFile(join(into, name), content);
}
