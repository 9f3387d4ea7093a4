/** `npm run build`, after `tsc`: everything else that is in `dist/`. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { buildConsole } from '../console/build.ts';
import { bundleFunctions, root } from './bundle.ts';
import { bundleLibrary, keepReachableTypes } from './bundle-library.ts';
import { bundlePrograms } from './bundle-programs.ts';
import { writeNotices } from './third-party-notices.ts';

/** Makes all bundles of the package. Returns their metafiles. */
export async function bundleAll(dist: string): Promise<Metafile[]> {
  const { metafile } = await bundleFunctions(join(dist, 'functions'));
  return [metafile, ...(await bundleLibrary(dist)), await bundlePrograms(dist), await buildConsole(join(dist, 'console'))];
}

if (import.meta.main) {
  const dist = join(root, 'dist');
  // Files of an earlier build have other names.
  for (const folder of ['cli', 'cjs', 'esm']) await rm(join(dist, folder), { recursive: true, force: true });
  await writeNotices(await bundleAll(dist), dist);
  await keepReachableTypes(join(dist, 'types'));
}
