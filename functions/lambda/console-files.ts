/** The console's files, which a deployment with the prop `console` has beside the function's code. */
import { readdir, readFile } from 'node:fs/promises';
import type { ConsoleFiles } from '../http/console.ts';

const folder = new URL('./console/', import.meta.url);
let files: Promise<ConsoleFiles> | undefined;

export function consoleFiles(): Promise<ConsoleFiles> {
  files ??= read();
  return files;
}

async function read(): Promise<ConsoleFiles> {
  const names = await readdir(folder);
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(new URL(name, folder))] as const)));
}
