/** SendMessageBatch: each entry has its own result. The size limit of a message holds for the batch, too. */
import { batchEntriesOf, batchOutput, eachEntry, refusedEntry } from '../batches.ts';
import { type Action, allow, queueOf } from '../call.ts';
import { SqsError } from '../errors.ts';
import { messageBytesMax, type SentMessage, sentMessage } from '../messages.ts';

export const sendMessageBatch: Action = async ({ engine, queues }, call) => {
  const queue = queueOf(call);
  allow(call, 'publish', queue);
  const entries = batchEntriesOf(call.input, 'new');
  const settings = await queues.cached(queue);
  const read = eachEntry(entries, (input) => sentMessage(input, settings));
  const accepted = read.filter((one): one is SentMessage => !(one instanceof SqsError));
  const bytes = accepted.reduce((sum, one) => sum + one.bytes, 0);
  if (bytes > messageBytesMax) {
    throw new SqsError(
      'BatchRequestTooLong',
      `Batch requests cannot be longer than ${messageBytesMax} bytes. You have sent ${bytes} bytes.`,
    );
  }
  const published = accepted.map(({ entry }) => entry);
  const { results } = published.length > 0 ? await engine.publishUnchecked(queue, published, call.caller) : { results: [] };
  const outputs = read.map((one) => {
    if (one instanceof SqsError) return one;
    const result = results[accepted.indexOf(one)]!;
    return result.ok ? { MessageId: result.id, ...one.digests } : refusedEntry(result);
  });
  return batchOutput(entries, outputs);
};
