/**
 * Bundles the Lambda entries of `functions/lambda/` and the servers of `functions/servers.ts` into `dist/functions`, with everything that they
 * need. Code that several of them use is in one file, a part. No function loads a part of the AWS SDK: it takes longer to load than the rest.
 * Run as a program, it prints the sizes: `node infra/bundle.ts [--json]`.
 */
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Metafile } from 'esbuild';
import { type FunctionEntry, functionEntries, functionFilesName } from './entries.ts';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** How every program that Node runs is bundled, with all that it imports. */
export const nodeProgram = {
  absWorkingDir: root,
  bundle: true,
  // Code that is imported on demand stays in a separate file, which a start does not load.
  splitting: true,
  chunkNames: 'part-[hash]',
  outExtension: { '.js': '.mjs' },
  platform: 'node',
  target: 'node22',
  format: 'esm',
  // Prefer ES modules: esbuild can remove their unused code.
  mainFields: ['module', 'main'],
  minify: true,
  legalComments: 'none',
  // Modules of the bundle are parts: none of them is the program itself.
  define: { 'import.meta.main': 'false' },
  // CommonJS packages within the bundle load modules of Node by `require`.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  metafile: true,
  logLevel: 'warning',
} satisfies BuildOptions;

/** Limit for the code that a cold start of any function loads: the more code, the longer it takes. */
export const startBytesMax = 550_000;

export interface FunctionSize {
  entry: FunctionEntry;
  /** Size of the code that the function may load, without source maps. */
  bytes: number;
  /** Size of the code that every cold start loads. */
  startBytes: number;
}

export interface FunctionBundle {
  metafile: Metafile;
  /** The files that functions may load. */
  files: string[];
  sizes: FunctionSize[];
}

/** Builds the bundle in `into`. Files are replaced atomically, so that a concurrent reader never sees a partial file. */
export async function bundleFunctions(into = join(root, 'dist', 'functions')): Promise<FunctionBundle> {
  const entries = functionEntries.map((entry) => [entry, join('functions', 'lambda', `${entry}.ts`)] as const);
  const { outputFiles, metafile } = await build({
    ...nodeProgram,
    entryPoints: { ...Object.fromEntries(entries), servers: join('functions', 'servers.ts') },
    outdir: into,
    write: false,
    sourcemap: 'linked',
    sourcesContent: false,
  });
  const loadedBy = ([, source]: readonly [string, string], onDemand: boolean) => filesLoaded(metafile, source, onDemand);
  const files = [...new Set(entries.flatMap((entry) => [...loadedBy(entry, true)]))].map((path) => basename(path)).sort();
  await mkdir(into, { recursive: true });
  const written = new Map<string, string | Uint8Array>(outputFiles.map(({ path, contents }) => [basename(path), contents]));
  written.set(functionFilesName, JSON.stringify(files));
  for (const [name, content] of written) await replaceFile(join(into, name), content);
  for (const name of await readdir(into)) {
    if (!written.has(name) && !name.startsWith('.')) await rm(join(into, name), { recursive: true });
  }
  const total = (paths: Iterable<string>) => [...paths].reduce((sum, path) => sum + metafile.outputs[path]!.bytes, 0);
  const sizes = entries.map((entry) => ({
    entry: entry[0],
    bytes: total(loadedBy(entry, true)),
    startBytes: total(loadedBy(entry, false)),
  }));
  return { metafile, files, sizes };
}

async function replaceFile(path: string, contents: string | Uint8Array): Promise<void> {
  const unfinished = join(dirname(path), `.${crypto.randomUUID()}`);
  await writeFile(unfinished, contents);
  await rename(unfinished, path);
}

/** The output files that an entry loads when it starts, or may load, as the metafile names them. */
export function filesLoaded({ outputs }: Metafile, source: string, onDemand: boolean): Set<string> {
  const loaded = new Set(Object.keys(outputs).filter((path) => outputs[path]!.entryPoint === source));
  for (const path of loaded) {
    for (const { kind, path: imported, external } of outputs[path]!.imports) {
      if (!external && (kind === 'import-statement' || (onDemand && kind === 'dynamic-import'))) loaded.add(imported);
    }
  }
  return loaded;
}

if (import.meta.main) {
  const { sizes } = await bundleFunctions();
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify({ bundles: sizes }));
  } else {
    for (const { entry, bytes, startBytes } of sizes) {
      console.log(`${entry}: ${kilobytes(bytes)}, of which a cold start loads ${kilobytes(startBytes)}`);
    }
  }
  for (const { entry, startBytes } of sizes.filter(({ startBytes }) => startBytes > startBytesMax)) {
    console.error(`A cold start of ${entry} loads ${startBytes} bytes; at most ${startBytesMax} are allowed.`);
    process.exitCode = 1;
  }
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1000)} kB`;
}
