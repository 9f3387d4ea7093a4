/**
 * Bundles each Lambda entry of `functions/lambda/` into `dist/functions/<name>/index.mjs`, with everything that it needs. None contains a part
 * of the AWS SDK: it takes longer to load than all the rest.
 * Run as a program, it prints the sizes: `node infra/bundle.ts [--json]`.
 */
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Metafile } from 'esbuild';
import { type FunctionEntry, functionEntries } from './entries.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** How every program that Node runs is bundled, with all that it imports. */
export const nodeProgram = {
  absWorkingDir: root,
  bundle: true,
  // Code that is imported on demand stays in a separate file, which a start does not load.
  splitting: true,
  chunkNames: 'part-[hash]',
  outExtension: { '.js': '.mjs' },
  platform: 'node',
  target: 'node24',
  format: 'esm',
  // Prefer ES modules: esbuild can remove their unused code.
  mainFields: ['module', 'main'],
  minify: true,
  sourcemap: 'linked',
  sourcesContent: false,
  logLevel: 'warning',
} satisfies BuildOptions;

/** Limit for all files of the api's bundle together: the more code, the longer a cold start takes. */
export const apiBundleBytesMax = 600_000;

export interface Bundle {
  entry: FunctionEntry;
  /** Contains `index.mjs`, the parts that it loads, and their source maps. */
  folder: string;
  /** Size of the code, without source maps. */
  bytes: number;
  /** Size of the code that every cold start loads. */
  startBytes: number;
}

/** Builds all bundles under `into`. Files are replaced atomically, so that a concurrent reader never sees a partial file. */
export async function bundleFunctions(into = join(root, 'dist', 'functions')): Promise<Bundle[]> {
  return await Promise.all(functionEntries.map((entry) => bundleFunction(entry, into)));
}

async function bundleFunction(entry: FunctionEntry, into: string): Promise<Bundle> {
  const folder = join(into, entry);
  const { outputFiles, metafile } = await build({
    ...nodeProgram,
    entryPoints: { index: join('functions', 'lambda', `${entry}.ts`) },
    outdir: folder,
    write: false,
    legalComments: 'none',
    metafile: true,
  });
  await mkdir(folder, { recursive: true });
  for (const { path, contents } of outputFiles) await replaceFile(path, contents, into);
  await replaceFile(join(into, `${entry}.meta.json`), JSON.stringify(metafile), into);
  const written = new Set(outputFiles.map(({ path }) => basename(path)));
  for (const name of await readdir(folder)) if (!written.has(name)) await rm(join(folder, name));
  return { entry, folder, ...sizes(metafile) };
}

async function replaceFile(path: string, contents: string | Uint8Array, scratch: string): Promise<void> {
  const unfinished = join(scratch, `.${crypto.randomUUID()}`);
  await writeFile(unfinished, contents);
  await rename(unfinished, path);
}

function sizes({ outputs }: Metafile): Pick<Bundle, 'bytes' | 'startBytes'> {
  const code = Object.keys(outputs).filter((path) => path.endsWith('.mjs'));
  const atStart = new Set(code.filter((path) => basename(path) === 'index.mjs'));
  for (const path of atStart) {
    for (const { kind, path: imported, external } of outputs[path]!.imports) {
      if (kind === 'import-statement' && !external) atStart.add(imported);
    }
  }
  const total = (paths: Iterable<string>) => [...paths].reduce((sum, path) => sum + outputs[path]!.bytes, 0);
  return { bytes: total(code), startBytes: total(atStart) };
}

if (import.meta.main) {
  const bundles = await bundleFunctions();
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify({ bundles: bundles.map(({ entry, bytes, startBytes }) => ({ entry, bytes, startBytes })) }));
  } else {
    for (const { folder, bytes, startBytes } of bundles) {
      console.log(`${relative(root, folder)}: ${kilobytes(bytes)}, of which a cold start loads ${kilobytes(startBytes)}`);
    }
  }
  const api = bundles.find(({ entry }) => entry === 'api')!;
  if (api.bytes > apiBundleBytesMax) {
    console.error(
      `The api's bundle has ${api.bytes} bytes; at most ${apiBundleBytesMax} are allowed. See dist/functions/api.meta.json.`,
    );
    process.exitCode = 1;
  }
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1000)} kB`;
}
