/** Runs programs as a reader of the documents would: in the project's folder, with the URL and the key of a local queue. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, vi } from 'vitest';
import { adminKey } from './local-queue.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));
/** Programs share two cores with everything else. */
const slow = { timeout: 60_000 };

export interface RunningProgram {
  child: ChildProcess;
  /** What it has printed so far. */
  said: { out: string; err: string };
  lines(): string[];
  /** Waits until it has printed a text. */
  says(text: string): Promise<void>;
  ended: Promise<number | null>;
  /** Ends it as Ctrl+C does. Expects that it ends well, and returns what it printed. */
  stop(signal?: NodeJS.Signals): Promise<string[]>;
}

export function start(url: string, program: string, args: string[], env: Record<string, string> = {}): RunningProgram {
  const child = spawn(program, args, {
    cwd: root,
    env: { ...process.env, DUMBWAITER_URL: url, DUMBWAITER_API_KEY: adminKey, ...env },
  });
  const said = { out: '', err: '' };
  child.stdout.on('data', (data) => {
    said.out += data;
  });
  child.stderr.on('data', (data) => {
    said.err += data;
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const lines = () => said.out.split('\n').slice(0, -1);
  return {
    child,
    said,
    lines,
    says: (expected) => vi.waitFor(() => expect(`${said.out}${said.err}`).toContain(expected), slow),
    ended,
    async stop(signal = 'SIGINT') {
      child.kill(signal);
      expect({ code: await ended, err: said.err }).toEqual({ code: 0, err: '' });
      return lines();
    },
  };
}

/** Runs a program to its end, which must be a good one. Returns what it printed. */
export async function output(url: string, program: string, args: string[], env?: Record<string, string>): Promise<string> {
  const { said, ended } = start(url, program, args, env);
  expect({ code: await ended, err: said.err }).toEqual({ code: 0, err: '' });
  return said.out;
}
