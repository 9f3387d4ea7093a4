/**
 * Rows of `queues` that are kept of a queue under its name, besides its settings. The sweep removes them after the queue, unless another
 * queue has its name by then.
 */
import type { Key } from '../port/port.ts';

/** The secrets that sign what the queue sends to URLs. */
export const signingKind = 'signing';
/** What SQS knows of a queue. */
export const sqsKind = 'sqs';

export function signingKey(queue: string): Key {
  return { table: 'queues', kind: signingKind, name: queue };
}

export function sqsKey(queue: string): Key {
  return { table: 'queues', kind: sqsKind, name: queue };
}
