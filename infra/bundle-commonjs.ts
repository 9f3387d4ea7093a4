/**
 * Makes CommonJS of the built modules, in `dist/cjs`, with their types: for `require`, Jest, and TypeScript programs that compile to
 * CommonJS. Run it after `tsc` and `bundle-sdk.ts`.
 */
import { cp, glob, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const modules = '{aws,contract,direct,engine,functions,infra,sdk,testing}/**/*';

export async function bundleCommonJs(dist = join(root, 'dist')): Promise<void> {
  const into = join(dist, 'cjs');
  await mkdir(into, { recursive: true });
  await writeFile(join(into, 'package.json'), '{ "type": "commonjs" }\n');
  for await (const path of glob(`${modules}.d.ts`, { cwd: dist })) await cp(join(dist, path), join(into, path));
  for await (const path of glob(`${modules}.js`, { cwd: dist })) {
    // The files beside an ES module are found from there, not from its copy.
    const up = '../'.repeat(path.split('/').length);
    const url = `new URL('${up}${path}', require('node:url').pathToFileURL(__filename)).href`;
    const source = await readFile(join(dist, path), 'utf8');
    const { code } = await transform(source, {
      format: 'cjs',
      platform: 'node',
      target: 'node20',
      define: { 'import.meta.url': 'importMetaUrl', 'import.meta.main': 'false' },
      ...(source.includes('import.meta.url') ? { banner: `const importMetaUrl = ${url};` } : {}),
    });
    await mkdir(dirname(join(into, path)), { recursive: true });
    await writeFile(join(into, path), code);
  }
}

if (import.meta.main) await bundleCommonJs();
