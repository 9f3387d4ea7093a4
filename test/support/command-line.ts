/** The command line in the process of a test, which is much faster than a process for each command. */
import { vi } from 'vitest';
import { run } from '../../cli/main.ts';

export interface Outcome {
  code: number;
  out: string;
  err: string;
}

/** Runs one command with these variables in its environment. Not side by side: it takes what the process prints. */
export async function runCommand(args: readonly string[], variables: NodeJS.ProcessEnv): Promise<Outcome> {
  const printed = { out: '', err: '' };
  const add = (to: keyof typeof printed) => (text: unknown) => {
    printed[to] += text;
    return true;
  };
  const line = (to: keyof typeof printed) => (text: unknown) => void add(to)(`${text}\n`);
  const spies = [
    vi.spyOn(console, 'log').mockImplementation(line('out')),
    vi.spyOn(console, 'error').mockImplementation(line('err')),
    vi.spyOn(process.stdout, 'write').mockImplementation(add('out')),
    vi.spyOn(process.stderr, 'write').mockImplementation(add('err')),
  ];
  const before = process.env;
  process.env = { PATH: process.env.PATH, ...variables };
  try {
    const code = await run(args);
    return { code, out: printed.out.trim(), err: printed.err.trim() };
  } finally {
    process.env = before;
    for (const spy of spies) spy.mockRestore();
  }
}
