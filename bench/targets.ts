/** What is to be reached. Counts hold on any machine; times were set for a small one of two cores. */

export type Target = { atMost: number } | { atLeast: number };

export function isMet(measured: number, target: Target): boolean {
  return 'atMost' in target ? measured <= target.atMost : measured >= target.atLeast;
}

export interface CostTargets {
  writeUnits?: Target;
  readUnits?: Target;
  calls?: Target;
}

/** Settings of a queue are read again each two seconds: on a slow machine that is a call in a hundred. */
const settingsShare = 1.01;

/** Of one message's life. */
export function costTargetsOf({
  bodyBytes,
  publishBatch,
  receiveBatch,
  receivers,
}: {
  bodyBytes: number;
  publishBatch: number;
  receiveBatch: number;
  receivers: number;
}): CostTargets {
  if (publishBatch === 1 && receiveBatch === 10) {
    const atMost = receivers === 1 ? 6 : receivers === 8 ? 6.15 : 6.3;
    return { writeUnits: { atMost }, readUnits: { atMost: 2.5 } };
  }
  if (publishBatch !== receiveBatch) return {};
  const batch = publishBatch;
  if (bodyBytes === 40 && receivers === 1) {
    const each = 6 / batch;
    return { writeUnits: { atMost: each }, calls: { atMost: each * settingsShare } };
  }
  if (bodyBytes === 40 && receivers === 32) return { writeUnits: { atMost: batch === 1 ? 6.6 : 0.72 } };
  if (bodyBytes === 1024 && batch === 10) return { writeUnits: { atMost: 1.7 } };
  return {};
}

/** Messages a second times calls a message, as a share of the calls a second that the same AWS client makes by itself. */
export const shareOfRaw: Target = { atLeast: 0.8 };
export const apiBundleBytes: Target = { atMost: 1_000_000 };
export const apiColdStartMs: Target = { atMost: 150 };
