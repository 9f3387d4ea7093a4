/**
 * Bundles what other programs import: `dist/esm` for `import`, `dist/cjs` for `require`, Jest, and TypeScript programs that compile to
 * CommonJS. Names are kept, so that stack traces of users' programs stay readable. `direct` and `cdk` run in Node only, so they exist once, as
 * CommonJS, and their ES modules pass them on. `tsc` writes the types to `dist/types`.
 */
import { glob, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { type BuildOptions, build, type Metafile, transform } from 'esbuild';
import { root } from './bundle.ts';

/** The source of each import of the package, and what an ES module passes on from CommonJS. */
const entries: { [name: string]: { source: string; passesOn?: readonly string[] } } = {
  index: { source: 'sdk/index.ts' },
  lambda: { source: 'sdk/transports/lambda.ts' },
  aws: { source: 'sdk/aws/environment-transport.ts' },
  otel: { source: 'sdk/otel/tracing.ts' },
  direct: { source: 'direct/transport.ts', passesOn: ['directTransport'] },
  cdk: { source: 'infra/index.ts', passesOn: ['Dumbwaiter'] },
};

/** Not a bundle of its own: the server is in the bundle of the servers. */
const typesOfTesting = 'testing/test-server.ts';

/** Node prints the line that threw an error, such as a mistake in a prop of the construct, before the error. */
const lineLimit = 160;

const short = {
  minifySyntax: true,
  minifyWhitespace: true,
  lineLimit,
  target: 'node20',
  platform: 'node',
} satisfies BuildOptions;

const options = {
  ...short,
  absWorkingDir: root,
  bundle: true,
  splitting: true,
  chunkNames: 'part-[hash]',
  format: 'esm',
  mainFields: ['module', 'main'],
  // The user provides these.
  external: ['@aws-sdk/*', '@opentelemetry/api', 'aws-cdk-lib', 'constructs'],
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
} satisfies BuildOptions;

/** Returns the metafiles. */
export async function bundleLibrary(dist = join(root, 'dist')): Promise<Metafile[]> {
  const names = Object.keys(entries);
  const metafiles = [
    await bundleEsm(
      names.filter((name) => !entries[name]!.passesOn),
      join(dist, 'esm'),
    ),
    await bundleCommonJs(names, join(dist, 'cjs')),
  ];
  for (const [name, { source, passesOn }] of Object.entries(entries)) {
    const esm = (file: string) => join(dist, 'esm', `${name}${file}`);
    if (passesOn) await writeFile(esm('.js'), `export { ${passesOn.join(', ')} } from '../cjs/${name}.js';\n`);
    await writeFile(esm('.d.ts'), `export * from '../types/${source.replace(/ts$/, 'js')}';\n`);
  }
  await writeTesting(dist);
  return metafiles;
}

function entryPoints(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, entries[name]!.source]));
}

async function bundleEsm(names: readonly string[], into: string): Promise<Metafile> {
  return (await build({ ...options, entryPoints: entryPoints(names), outdir: into })).metafile;
}

/** Esbuild splits only ES modules, so each of their files is converted. */
async function bundleCommonJs(names: readonly string[], into: string): Promise<Metafile> {
  const { outputFiles, metafile } = await build({ ...options, entryPoints: entryPoints(names), outdir: into, write: false });
  await mkdir(into, { recursive: true });
  await writeFile(join(into, 'package.json'), '{ "type": "commonjs" }\n');
  for (const { path, text } of outputFiles) {
    const { code } = await transform(text, {
      ...short,
      format: 'cjs',
      define: { 'import.meta.url': 'importMetaUrl', 'import.meta.main': 'false' },
      ...(text.includes('import.meta.url') && {
        banner: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;",
      }),
    });
    await writeFile(path, code);
  }
  return metafile;
}

/** Node's own `require` loads ES modules from 20.19 and 22.12 on. That of Jest does so only with `--experimental-vm-modules`. */
const testingCommonJs = `const { createRequire } = process.getBuiltinModule('node:module');
module.exports = createRequire(__filename)('../esm/testing.js');
`;

/** From `dist/esm`. */
const servers = '../functions/servers.mjs';

/** The server is loaded by the first start: older versions of Node cannot load it, and would say only that they know no `node:sqlite`. */
const testingEsm = `export async function startServer(options) {
  const { node } = process.versions;
  const [major, minor] = node.split('.').map(Number);
  if (major < 22 || (major === 22 && minor < 13)) {
    throw new Error(\`dumbwaiter-queue/testing needs Node 22.13 or later, which has SQLite. This is Node \${node}.\`);
  }
  return (await import(${JSON.stringify(servers)})).startServer(options);
}
`;

async function writeTesting(dist: string): Promise<void> {
  await writeFile(join(dist, 'esm', 'testing.js'), testingEsm);
  await writeFile(join(dist, 'esm', 'testing.d.ts'), `export * from '../types/${typesOfTesting.replace(/ts$/, 'js')}';\n`);
  await writeFile(join(dist, 'cjs', 'testing.js'), testingCommonJs);
}

/** Marks the types as those of CommonJS, which ES modules may import too, and removes those that no import of the package leads to. */
export async function keepReachableTypes(types: string): Promise<void> {
  await writeFile(join(types, 'package.json'), '{ "type": "commonjs" }\n');
  const declarationOf = (path: string) => path.replace(/\.(js|ts)$/, '.d.ts');
  const reached = new Set([...Object.values(entries).map(({ source }) => source), typesOfTesting].map(declarationOf));
  for (const path of reached) {
    const text = await readFile(join(types, path), 'utf8');
    for (const [, specifier] of text.matchAll(/(?:from |import\()['"](\.[^'"]+)['"]/g)) {
      reached.add(declarationOf(normalize(join(dirname(path), specifier!))));
    }
  }
  for await (const path of glob('**/*.d.ts', { cwd: types })) if (!reached.has(path)) await rm(join(types, path));
}
