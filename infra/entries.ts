import { fileURLToPath } from 'node:url';

/** The Lambda entries: `functions/lambda/<name>.ts`, each exporting `handler`. */
export const functionEntries = ['api', 'sweep', 'redrive', 'declare-queues'] as const;
export type FunctionEntry = (typeof functionEntries)[number];

/**
 * Folder of an entry's bundle. In the repository this file is `infra/entries.ts` and the bundles are in `dist/functions`; in the
 * package it is `dist/infra/entries.js`, and they are beside it.
 */
export function bundleFolder(entry: FunctionEntry): string {
  const bundles = import.meta.url.endsWith('.ts') ? '../dist/functions/' : '../functions/';
  return fileURLToPath(new URL(`${bundles}${entry}`, import.meta.url));
}
