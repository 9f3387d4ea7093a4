/** Measures the size of each function's bundle, and the time that Node takes to load it, without Node's own start time. */
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
    const bundles = await bundleFunctions(folder);
    const starts: ColdStart[] = [];
    for (const { entry, bytes, startBytes } of bundles) {
      const url = pathToFileURL(join(folder, entry, 'index.mjs')).href;
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

async function startMs(code: string): Promise<number> {
  const startedAt = performance.now();
  await run(process.execPath, ['--input-type=module', '-e', `${code}\nprocess.exit(0)`], {
    env: { ...process.env, ...variables },
  });
  return performance.now() - startedAt;
}
