/** Lines of a file or of standard input. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { CommandFailure } from './failure.ts';

/** `-` is standard input. Blank lines are left out. Throws CommandFailure if the file cannot be read. */
export async function* linesOf(file: string): AsyncGenerator<string> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  try {
    for await (const line of createInterface({ input })) if (line.trim() !== '') yield line;
  } catch (error) {
    throw new CommandFailure(`${file} cannot be read: ${(error as Error).message}`);
  }
}

/** False if it cannot be read: the read that follows says why. */
const isFile = (file: string) =>
  stat(file).then(
    (found) => found.isFile(),
    () => false,
  );

/** How many there are, for a progress bar. Undefined if that cannot be known before they are read, or if no bar can be shown. */
export async function countLines(file: string): Promise<number | undefined> {
  if (file === '-' || !process.stderr.isTTY || !(await isFile(file))) return undefined;
  let count = 0;
  for await (const _ of linesOf(file)) count++;
  return count;
}
