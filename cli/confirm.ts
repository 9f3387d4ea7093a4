/** Asks before what cannot be undone. */
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { CommandFailure, UsageError } from './failure.ts';

export function withYes(command: Command): Command {
  return command.option('--yes', 'does it without asking');
}

/** Asks in a terminal. Elsewhere it refuses without `--yes`, because nobody can answer. */
export async function confirm(question: string, yes: true | undefined): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY) throw new UsageError(`${question} Say so with --yes.`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} (yes/no) `);
  terminal.close();
  if (answer !== 'yes') throw new CommandFailure('Nothing was changed.');
}
