/** The console's files for a server: as `npm run build` left them beside its bundle; in a clone of the project, bundled when first asked for. */
import { readdir, readFile } from 'node:fs/promises';
import type { ConsoleFiles } from '../http/console.ts';

let files: Promise<ConsoleFiles> | undefined;

export function consoleFiles(): Promise<ConsoleFiles> {
  files ??= import.meta.url.endsWith('.ts') ? bundled() : built();
  return files;
}

async function bundled(): Promise<ConsoleFiles> {
  // A computed address: bundlers must not follow it.
  const { bundleConsole } = await import(new URL('../../console/build.ts', import.meta.url).href);
  return bundleConsole();
}

async function built(): Promise<ConsoleFiles> {
  const folder = new URL('../console/', import.meta.url);
  const names = await readdir(folder);
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(new URL(name, folder))] as const)));
}
