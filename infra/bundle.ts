/**
 * Bundles each Lambda entry of `functions/` into `dist/functions/<name>/index.mjs`, with everything that it needs: the AWS SDK
 * is bundled too, so that what runs is what was tested, not what the runtime brings on that day.
 * Run as a program it prints the sizes: `node infra/bundle.ts [--json]`.
 */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { type FunctionEntry, functionEntries } from './entries.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Lambda's cold start grows with the code it loads; the api's bundle must stay under this. */
export const apiBundleBytesMax = 1_000_000;

/** CommonJS parts of the bundle call `require` for Node's own modules; an ES module has none. */
const requireShim = "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);";

export interface Bundle {
  entry: FunctionEntry;
  /** Folder that holds `index.mjs` and its source map. */
  folder: string;
  bytes: number;
  gzipBytes: number;
}

/** Builds all bundles under `into`. A file is replaced whole, so that who reads one meanwhile never sees half of it. */
export async function bundleFunctions(into = join(root, 'dist', 'functions')): Promise<Bundle[]> {
  return await Promise.all(functionEntries.map((entry) => bundleFunction(entry, into)));
}

async function bundleFunction(entry: FunctionEntry, into: string): Promise<Bundle> {
  const folder = join(into, entry);
  const built = await build({
    absWorkingDir: root,
    entryPoints: [join('functions', `${entry}.ts`)],
    outfile: join(folder, 'index.mjs'),
    write: false,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    banner: { js: requireShim },
    minify: true,
    keepNames: true,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  await mkdir(folder, { recursive: true });
  for (const file of built.outputFiles) await replaceFile(file.path, file.contents, into);
  await replaceFile(join(into, `${entry}.meta.json`), JSON.stringify(built.metafile), into);
  const code = built.outputFiles.find((file) => file.path.endsWith('.mjs'))!.contents;
  return { entry, folder, bytes: code.byteLength, gzipBytes: gzipSync(code).byteLength };
}

async function replaceFile(path: string, contents: string | Uint8Array, scratch: string): Promise<void> {
  const unfinished = join(scratch, `.${crypto.randomUUID()}`);
  await writeFile(unfinished, contents);
  await rename(unfinished, path);
}

if (import.meta.main) {
  const bundles = await bundleFunctions();
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify({ bundles: bundles.map(({ entry, bytes, gzipBytes }) => ({ entry, bytes, gzipBytes })) }));
  } else {
    for (const { entry, folder, bytes, gzipBytes } of bundles) {
      console.log(`${entry.padEnd(16)} ${kilobytes(bytes)} minified, ${kilobytes(gzipBytes)} gzipped  ${relative(root, folder)}`);
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
  return `${(bytes / 1000).toFixed(0)} kB`.padStart(8);
}
