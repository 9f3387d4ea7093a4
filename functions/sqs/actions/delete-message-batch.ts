/** DeleteMessageBatch. */
import { batchEntriesOf, batchOutput, eachEntry } from '../batches.ts';
import { type Action, queueOf } from '../call.ts';
import { requiredText } from '../input.ts';
import { withinLimits } from '../limits.ts';
import { deleteByHandles } from '../settled-messages.ts';

export const deleteMessageBatch: Action = async (parts, call) => {
  const queue = queueOf(call);
  const entries = await withinLimits(parts.queues, queue, (limits) => batchEntriesOf(call.input, 'received', limits));
  const handles = eachEntry(entries, (input) => requiredText(input, 'ReceiptHandle'));
  return batchOutput(entries, await deleteByHandles(parts, call, queue, handles));
};
