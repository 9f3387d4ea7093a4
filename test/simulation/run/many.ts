/** Runs histories of many seeds on several threads. */
import { Worker } from 'node:worker_threads';

export interface Share {
  /** The first seed of all. */
  seed: number;
  /** How many seeds all threads run together. */
  histories: number;
  /** No history starts after this, ms since 1970. */
  until: number;
  /** Stop at the first that breaks a promise. */
  stopAtFailure: boolean;
  /** Counters that the threads share, as an `Int32Array`: see `stopped` and `taken`. */
  counters: SharedArrayBuffer;
}

/** Index of a counter. 1: a thread has found a failure, and the others stop too. */
export const stopped = 0;
/** Index of a counter: how many seeds have been taken. Threads take seeds one by one, because histories differ a lot in length. */
export const taken = 1;

export interface Tally {
  histories: number;
  counts: Record<string, number>;
  /** Seeds of the histories that broke a promise, and which. */
  failures: { seed: number; promises: string[] }[];
}

export interface ManyOptions {
  seed: number;
  histories?: number;
  until?: number;
  threads: number;
  stopAtFailure?: boolean;
  /** How long a thread may take, ms of real time. Longer means that a history never ends. */
  timeoutMs?: number;
}

export async function runMany({
  seed,
  histories,
  until,
  threads,
  stopAtFailure = false,
  timeoutMs,
}: ManyOptions): Promise<Tally> {
  const counters = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
  const share: Share = {
    seed,
    histories: histories ?? Number.POSITIVE_INFINITY,
    until: until ?? Number.POSITIVE_INFINITY,
    stopAtFailure,
    counters,
  };
  const tallies = await Promise.all(Array.from({ length: threads }, () => runShare(share, timeoutMs)));
  return tallies.reduce(added);
}

async function runShare(share: Share, timeoutMs: number | undefined): Promise<Tally> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: share });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      worker.on('message', resolve);
      worker.on('error', reject);
      worker.on('exit', (code) => reject(new Error(`a thread of the simulation exited with ${code}`)));
      const endless = { histories: 0, counts: {}, failures: [{ seed: share.seed, promises: ['no-end'] }] };
      if (timeoutMs !== undefined) timer = setTimeout(() => resolve(endless), timeoutMs);
    });
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

function added(one: Tally, other: Tally): Tally {
  const counts = { ...one.counts };
  for (const [what, times] of Object.entries(other.counts)) counts[what] = (counts[what] ?? 0) + times;
  const failures = [...one.failures, ...other.failures].sort((a, b) => a.seed - b.seed);
  return { histories: one.histories + other.histories, counts, failures };
}
