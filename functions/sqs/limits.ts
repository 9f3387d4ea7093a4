/** The limits of SQS, and those in their place for a queue with the setting `sqs.extended`: the limits of the queue itself. */
import * as queueLimits from '../../contract/limits.ts';
import { SqsError } from './errors.ts';
import type { QueueRows, SqsQueue } from './queue-rows.ts';

const daySeconds = 24 * 60 * 60;

export interface SqsLimits {
  /** Messages of a receive, and entries of a batch. */
  entriesMax: number;
  /** Messages of a batch together. */
  batchBytesMax: number;
  delaySecondsMax: number;
  visibilitySecondsMax: number;
  /** From the receive until the end of the visibility timeout, however often it is changed. */
  totalVisibilitySecondsMax: number;
  retentionSecondsMax: number;
}

export const limitsOfSqs: SqsLimits = {
  entriesMax: 10,
  batchBytesMax: 1_048_576,
  delaySecondsMax: 900,
  visibilitySecondsMax: 43_200,
  totalVisibilitySecondsMax: 43_200,
  retentionSecondsMax: 14 * daySeconds,
};

const extendedLimits: SqsLimits = {
  entriesMax: queueLimits.batchEntriesMax,
  batchBytesMax: queueLimits.callBytesMax,
  delaySecondsMax: queueLimits.delaySecondsMax,
  visibilitySecondsMax: queueLimits.visibilityTimeoutSecondsMax,
  totalVisibilitySecondsMax: Number.POSITIVE_INFINITY,
  retentionSecondsMax: queueLimits.retentionSecondsMax,
};

export function limitsOf({ record }: Pick<SqsQueue, 'record'>): SqsLimits {
  return record.sqs?.extended ? extendedLimits : limitsOfSqs;
}

/** Reads an input within the limits of the queue. Its settings are read only where the input is not within those of SQS. */
export async function withinLimits<T>(queues: QueueRows, queue: string, read: (limits: SqsLimits) => T): Promise<T> {
  try {
    return read(limitsOfSqs);
  } catch (error) {
    const there = error instanceof SqsError ? await queues.find(queue) : undefined;
    if (!there?.record.sqs?.extended) throw error;
    return read(extendedLimits);
  }
}
