/** Names of the Lambda entries, and where their bundles are. */
import { fileURLToPath } from 'node:url';

/** Each entry is `functions/lambda/<name>.ts` and exports `handler`. */
export const functionEntries = ['api', 'sqs', 'sweep', 'redrive', 'dispatch', 'wake', 'declare-queues'] as const;
export type FunctionEntry = (typeof functionEntries)[number];

/**
 * The folder of an entry's bundle. In the repository this file is `infra/entries.ts` and the bundles are in `dist/functions`. In the
 * package it is `dist/infra/entries.js` and the bundles are in `dist/functions` beside its folder.
 */
export function bundleFolder(entry: FunctionEntry): string {
  const bundles = import.meta.url.endsWith('.ts') ? '../dist/functions/' : '../functions/';
  return fileURLToPath(new URL(`${bundles}${entry}`, import.meta.url));
}
