/** ChangeMessageVisibilityBatch. */
import { batchEntriesOf, batchOutput, eachEntry } from '../batches.ts';
import { type Action, allow, queueOf } from '../call.ts';
import { limitsOf } from '../limits.ts';
import { changeVisibility, visibilityChangeOf } from '../settled-messages.ts';

export const changeMessageVisibilityBatch: Action = async (parts, call) => {
  const queue = queueOf(call);
  allow(call, 'extend', queue);
  // Read, because an entry beyond the limits of SQS does not fail the others.
  const limits = limitsOf(await parts.queues.cached(queue));
  const entries = batchEntriesOf(call.input, 'received', limits);
  const changes = eachEntry(entries, (input) => visibilityChangeOf(input, limits, parts.clock.now()));
  return batchOutput(entries, await changeVisibility(parts, call, queue, changes));
};
