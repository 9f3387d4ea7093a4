/** Bundles the console: a page, a script and a style sheet. `npm run build` writes them to `dist/console`. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));

/** The files of the console by name. */
export async function bundleConsole(): Promise<Map<string, Uint8Array>> {
  return (await bundle()).files;
}

async function bundle(): Promise<{ files: Map<string, Uint8Array>; metafile: Metafile }> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: join(here, '..'),
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
    metafile: true,
    logLevel: 'warning',
  });
  const page = await readFile(join(here, 'index.html'));
  const files = new Map([['index.html', page], ...outputFiles.map(({ path, contents }) => [basename(path), contents] as const)]);
  return { files, metafile };
}

/** Writes the files. Returns the metafile. */
export async function buildConsole(into: string): Promise<Metafile> {
  const { files, metafile } = await bundle();
  await mkdir(into, { recursive: true });
  for (const [name, content] of files) await writeFile(join(into, name), content);
  return metafile;
}

if (import.meta.main) await buildConsole(join(here, '..', 'dist', 'console'));
