/** The sizes that a soak watches, and whether they are flat. */

/** Bytes of files and memory, and rows of each table. */
export interface Sizes {
  file: number;
  /** The write-ahead log. */
  log: number;
  messages: number;
  leases: number;
  queues: number;
  /** Memory of the process. */
  resident: number;
  /** Objects in use: the heap after a garbage collection. */
  heap: number;
}

const megabyte = 1024 * 1024;

/**
 * How much larger the largest size of the last quarter may be than the largest of the second quarter. In the first quarter, caches fill, and
 * the file grows to what it keeps. How much of the heap is garbage varies, so resident memory does too. The free pages and the log that
 * a store always keeps, `kept`, are no growth.
 */
const limits = {
  file: { growthMax: 1.1, kept: 4 * megabyte },
  log: { growthMax: 1.1, kept: 4 * megabyte },
  resident: { growthMax: 1.25, kept: 0 },
  heap: { growthMax: 1.1, kept: 0 },
} as const;

/** What grew, in a line each. */
export function growthOf(samples: readonly Sizes[]): string[] {
  const quarter = Math.floor(samples.length / 4);
  if (quarter === 0) throw new Error(`${samples.length} samples are too few`);
  return (Object.keys(limits) as (keyof typeof limits)[]).flatMap((name) => {
    const largest = (from: readonly Sizes[]) => Math.max(...from.map((sizes) => sizes[name]));
    const { growthMax, kept } = limits[name];
    const second = largest(samples.slice(quarter, 2 * quarter));
    const last = largest(samples.slice(-quarter));
    return last > Math.max(second, kept) * growthMax ? [`${name} grew from ${second} to ${last} bytes`] : [];
  });
}

export function sizesText({ file, log, messages, leases, queues, resident, heap }: Sizes): string {
  const mb = (bytes: number) => `${(bytes / megabyte).toFixed(1)} MB`;
  return (
    `file ${mb(file)}, log ${mb(log)}; rows: messages ${messages}, leases ${leases}, queues ${queues}; ` +
    `memory ${mb(resident)}, of it in use ${mb(heap)}`
  );
}
