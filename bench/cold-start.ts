/** Measures the size of each function's code, and the processor time that Node takes to load it, without that of Node's own start. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { bundleFunctions } from '../infra/bundle.ts';
import { median } from './timing.ts';

const run = promisify(execFile);

export interface ColdStart {
  entry: string;
  bytes: number;
  startBytes: number;
  loadMs: number;
}

/** The environment variables that a function reads when it starts. */
const variables = {
  AWS_REGION: 'us-east-1',
  AWS_LAMBDA_FUNCTION_NAME: 'bench',
  DUMBWAITER_MESSAGES_TABLE: 'messages',
  DUMBWAITER_LEASES_TABLE: 'leases',
  DUMBWAITER_QUEUES_TABLE: 'queues',
  DUMBWAITER_REDRIVE_FUNCTION: 'redrive',
};

export async function coldStarts(times: number): Promise<ColdStart[]> {
  const folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-bundles-'));
  try {
    const { sizes } = await bundleFunctions(folder);
    const starts: ColdStart[] = [];
    for (const { entry, bytes, startBytes } of sizes) {
      const url = pathToFileURL(join(folder, `${entry}.mjs`)).href;
      const loadTimes: number[] = [];
      // Alternate, so that other work on the machine affects both measurements equally.
      for (let time = 0; time < times; time++)
        loadTimes.push(-(await startMs('')) + (await startMs(`await import(${JSON.stringify(url)})`)));
      starts.push({ entry, bytes, startBytes, loadMs: median(loadTimes) });
    }
    return starts;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The processor time of a process that runs the code: other work on the machine affects it less than the time that passes. */
async function startMs(code: string): Promise<number> {
  const report = 'const { user, system } = process.cpuUsage(); console.log((user + system) / 1000); process.exit(0)';
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', `${code}\n${report}`], {
    env: { ...process.env, ...variables },
  });
  return Number(stdout);
}
