/** Deletes messages and changes their visibility by their receipt handles, one or several at a time. */
import type { ReceivedMessage, Refused } from '../../contract/contract.ts';
import { parseReceipt } from '../../engine/model/receipts.ts';
import { ignoreStoreError } from '../../engine/port/port.ts';
import type { EntryResult } from './batches.ts';
import { run, type SqsCall, type SqsParts } from './call.ts';
import { invalidValue, missing, SqsError, sqsErrorOf } from './errors.ts';
import { type Input, requiredText, wholeOf } from './input.ts';
import type { SqsLimits } from './limits.ts';

/** Gives back received messages that are not delivered. If the store fails, they come again when their visibility timeout ends. */
export async function giveBack({ engine }: SqsParts, queue: string, messages: readonly ReceivedMessage[]): Promise<void> {
  if (messages.length === 0) return;
  const receipts = messages.map(({ receipt }) => receipt);
  await engine.giveBack(queue, receipts).catch(ignoreStoreError);
}

/** In SQS, deleting with a handle that no longer counts succeeds and changes nothing. */
const ignoredByDelete: ReadonlySet<Refused['code']> = new Set(['lease_lost', 'cancelled', 'message_not_found']);

/** An error in place of a handle is its result. */
export async function deleteByHandles(
  parts: SqsParts,
  call: SqsCall,
  queue: string,
  handles: readonly (string | SqsError)[],
): Promise<EntryResult[]> {
  return settle(handles, async (receipts) => {
    const { results } = await run(parts, call, 'ack', { queue }, { receipts });
    return results.map((result) => (result.ok || ignoredByDelete.has(result.code) ? {} : sqsErrorOf(result)));
  });
}

export interface VisibilityChange {
  handle: string;
  seconds: number;
}

export function visibilityChangeOf(input: Input, limits: SqsLimits, now: number): VisibilityChange {
  const handle = requiredText(input, 'ReceiptHandle');
  const seconds = wholeOf(input, 'VisibilityTimeout', 0, limits.visibilitySecondsMax);
  if (seconds === undefined) throw missing('VisibilityTimeout');
  const heldSeconds = Math.floor((now - (parseReceipt(handle)?.receivedAt ?? now)) / 1000);
  if (seconds > 0 && heldSeconds + seconds > limits.totalVisibilitySecondsMax) {
    const reason = `Total VisibilityTimeout for the message is beyond the limit [${limits.totalVisibilitySecondsMax} seconds]`;
    throw invalidValue(seconds, 'VisibilityTimeout', reason);
  }
  return { handle, seconds };
}

/** One extend for each timeout. */
export async function changeVisibility(
  parts: SqsParts,
  call: SqsCall,
  queue: string,
  changes: readonly (VisibilityChange | SqsError)[],
): Promise<EntryResult[]> {
  return settle(changes, async (valid) => {
    const results = new Map<VisibilityChange, EntryResult>();
    for (const [visibilityTimeoutSeconds, same] of Map.groupBy(valid, ({ seconds }) => seconds)) {
      const receipts = same.map(({ handle }) => handle);
      const answered = await run(parts, call, 'extend', { queue }, { receipts, visibilityTimeoutSeconds });
      answered.results.forEach((result, index) => {
        results.set(same[index]!, result.ok ? {} : sqsErrorOf(result));
      });
    }
    return valid.map((change) => results.get(change)!);
  });
}

/** Passes on what can be read, and puts the results in the order of the entries. */
async function settle<T>(
  entries: readonly (T | SqsError)[],
  change: (valid: T[]) => Promise<EntryResult[]>,
): Promise<EntryResult[]> {
  const valid = entries.filter((entry): entry is T => !(entry instanceof SqsError));
  const results = valid.length === 0 ? [] : await change(valid);
  let next = 0;
  return entries.map((entry) => (entry instanceof SqsError ? entry : results[next++]!));
}
