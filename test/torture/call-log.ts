/**
 * Calls are written to a file before they are made, and their answers after. Of a killed process, all calls are known, and only the
 * answers may be missing.
 */
import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { InputOf, OperationName, OutputOf, ParamsOf, Transport } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import type { Call } from '../simulation/run/history.ts';

export interface CallLog {
  /** Makes one call without a retry. Returns undefined if it was refused or lost. */
  call<Name extends OperationName>(
    transport: Transport,
    operation: Name,
    params: ParamsOf<Name>,
    input: InputOf<Name>,
  ): Promise<OutputOf<Name> | undefined>;
  close(): void;
}

/** The extra time for the answer to a receive that waits. */
const answerMsMax = 20_000;

export function openCallLog(file: string, process: string): CallLog {
  const descriptor = openSync(file, 'a');
  let calls = 0;
  // Written synchronously: what the system has of a file outlives the process.
  const write = (entry: object) => writeSync(descriptor, `${JSON.stringify(entry)}\n`);
  return {
    async call(transport, operation, params, input) {
      const number = calls++;
      write({ number, call: { process, operation, params, input, startedAt: Date.now() } });
      const [answer, output] = await answerOf(() => transport.call(operation, params, input, { timeoutMs: answerMsMax }));
      write({ number, answer, endedAt: Date.now() });
      return output;
    },
    close: () => closeSync(descriptor),
  };
}

async function answerOf<Output>(call: () => Promise<Output>): Promise<[answer: object, output?: Output]> {
  try {
    const output = await call();
    return [{ output }, output];
  } catch (error) {
    if (!(error instanceof DumbwaiterError)) throw error;
    // A response without the id that every answer has is no answer.
    if (error.requestId === undefined) return [{ lost: true }];
    return [{ refused: error.code, message: error.message }];
  }
}

/** The calls of several files, in the order in which they began. */
export async function readCallLogs(files: readonly string[]): Promise<Call[]> {
  const calls: Call[] = [];
  for (const file of files) {
    const started = new Map<number, Call>();
    // A process that was killed before its first call has no file.
    const text = existsSync(file) ? await readFile(file, 'utf8') : '';
    for (const line of text.split('\n')) {
      const entry = parsed(line);
      if (!entry) continue;
      if (entry.call) started.set(entry.number, { endedAt: undefined, answer: { lost: true }, ...entry.call } as Call);
      else Object.assign(started.get(entry.number)!, { answer: entry.answer, endedAt: entry.endedAt });
    }
    calls.push(...started.values());
  }
  return calls.sort((a, b) => a.startedAt - b.startedAt);
}

interface Entry {
  number: number;
  call?: object;
  answer?: object;
  endedAt?: number;
}

/** A killed process may have left half a line. */
function parsed(line: string): Entry | undefined {
  try {
    return JSON.parse(line) as Entry;
  } catch {
    return undefined;
  }
}
