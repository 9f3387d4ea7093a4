/** Options that several programs have. */
import { InvalidArgumentError } from 'commander';

export const portDefault = 8420;
export const dataFolderDefault = '.dumbwaiter';

export function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('A port is a number from 0 to 65535.');
  return port;
}
