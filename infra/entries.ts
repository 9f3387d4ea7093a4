/** Names of the Lambda entries, and where their bundle is. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Each entry is `functions/lambda/<name>.ts` and exports `handler`. */
export const functionEntries = ['api', 'sqs', 'sweep', 'redrive', 'dispatch', 'wake', 'declare-queues'] as const;
export type FunctionEntry = (typeof functionEntries)[number];

/** In the folder of the bundles: the names of the files that functions load, as JSON. */
export const functionFilesName = 'function-files.json';

/**
 * In the repository this file is `infra/entries.ts` and the bundles are in `dist/functions`. In the package it is `dist/cjs/cdk.js` and the
 * bundles are in `dist/functions` beside its folder.
 */
const distFolder = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../dist' : '..', import.meta.url));
const bundleFolder = join(distFolder, 'functions');
/** The console's files, as `console/build.ts` writes them. */
export const consoleFolder = join(distFolder, 'console');

/** The code of all functions: the folder of their bundle, and which of its files are not theirs. Names that begin with a dot are unfinished files. */
export function functionCode(): { folder: string; exclude: string[] } {
  const files = new Set(JSON.parse(readFileSync(join(bundleFolder, functionFilesName), 'utf8')) as string[]);
  const isOther = (name: string) => !name.startsWith('.') && !files.has(name.replace(/\.map$/, ''));
  return { folder: bundleFolder, exclude: ['.*', ...readdirSync(bundleFolder).filter(isOther)] };
}
