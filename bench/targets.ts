/** The targets of all measurements. Counts hold on any machine; times were set for a small machine with two cores. */

export type Target = { atMost: number } | { atLeast: number };

export function isMet(measured: number, target: Target): boolean {
  return 'atMost' in target ? measured <= target.atMost : measured >= target.atLeast;
}

export interface CostTargets {
  writeUnits?: Target;
  readUnits?: Target;
  calls?: Target;
}

/** A queue's settings are read again every two seconds. On a slow machine that is one call in a hundred. */
const settingsShare = 1.01;

/** Targets for one message's publish, receive and ack. */
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
  if (publishBatch === 10 && receiveBatch === 1 && receivers === 1) return { writeUnits: { atMost: 2.7 } };
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

/** Messages per second, as a share of those whose calls the same client makes without the queue. */
export const shareOfBare: Target = { atLeast: 0.8 };
export const functionStartBytes: Target = { atMost: 550_000 };
/** From the start of the local server. */
export const firstAnswerMs: Target = { atMost: 1_000 };
/** Of the local server, after a million messages. */
export const soakResidentMb: Target = { atMost: 150 };
export const apiColdStartMs: Target = { atMost: 100 };
/** CPU time of a call by the queue's own client, as a share of a call by the AWS SDK. */
export const clientShareOfSdk: Target = { atMost: 0.35 };
/** CPU time of the server for an HTTP call, without the engine. */
export const httpCallMs: Target = { atMost: 0.3 };
/** A month of an idle consumer that waits to be woken. */
export const listeningDollars = { atMost: 0.1 } satisfies Target;
