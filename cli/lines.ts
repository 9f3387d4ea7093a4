/** Lines of a file or of standard input. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';

/** `-` is standard input. Blank lines are left out. */
export async function* linesOf(file: string): AsyncGenerator<string> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  for await (const line of createInterface({ input })) if (line.trim() !== '') yield line;
}

/** How many there are, for a progress bar. Undefined if that cannot be known before they are read, or if no bar can be shown. */
export async function countLines(file: string): Promise<number | undefined> {
  if (file === '-' || !process.stderr.isTTY || !(await stat(file)).isFile()) return undefined;
  let count = 0;
  for await (const _ of linesOf(file)) count++;
  return count;
}
