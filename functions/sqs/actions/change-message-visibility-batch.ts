/** ChangeMessageVisibilityBatch. */
import { batchEntriesOf, batchOutput, eachEntry } from '../batches.ts';
import { type Action, queueOf } from '../call.ts';
import { changeVisibility, visibilityChangeOf } from '../settled-messages.ts';

export const changeMessageVisibilityBatch: Action = async (parts, call) => {
  const queue = queueOf(call);
  const entries = batchEntriesOf(call.input, 'received');
  return batchOutput(entries, await changeVisibility(parts, call, queue, eachEntry(entries, visibilityChangeOf)));
};
