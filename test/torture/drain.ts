/** Receives and acks all that is left, until nothing more can come. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Transport } from '../../contract/contract.ts';
import { batchEntriesMax, pageEntriesMax } from '../../contract/limits.ts';
import type { CallLog } from './call-log.ts';

/** Longer than any pause of this machine between a receive and the ack of its messages. */
const visibilityTimeoutSeconds = 60;
const pauseMs = 200;

/** Returns when the last pass over all queues began that found nothing; not before `hiddenUntil`. */
export async function drain(log: CallLog, transport: Transport, queues: readonly string[], hiddenUntil: number): Promise<number> {
  for (;;) {
    const startedAt = Date.now();
    let isEmpty = true;
    for (const queue of queues) {
      while (!(await emptied(log, transport, queue))) isEmpty = false;
    }
    if (isEmpty && startedAt > hiddenUntil) {
      for (const queue of queues) await showAll(log, transport, queue);
      return startedAt;
    }
    await delay(pauseMs);
  }
}

/** Whether a receive was answered without messages. */
async function emptied(log: CallLog, transport: Transport, queue: string): Promise<boolean> {
  const output = await log.call(transport, 'receive', { queue }, { max: batchEntriesMax, visibilityTimeoutSeconds });
  if (!output) return false;
  const receipts = output.messages.map(({ receipt }) => receipt);
  if (receipts.length === 0) return true;
  await log.call(transport, 'ack', { queue }, { receipts });
  return false;
}

/** What can be read when nothing can be received. The checker decides whether that is right. */
async function showAll(log: CallLog, transport: Transport, queue: string): Promise<void> {
  let cursor: string | undefined;
  do {
    const page = { limit: pageEntriesMax, ...(cursor === undefined ? {} : { cursor }) };
    cursor = (await log.call(transport, 'peek', { queue }, page))?.cursor;
  } while (cursor !== undefined);
}
