/** SendMessageBatch: each entry has its own result. The size limit of a message holds for the batch, too. */
import type { PublishEntry, PublishResult } from '../../../contract/contract.ts';
import { batchEntriesOf, batchOutput, eachEntry, refusedEntry } from '../batches.ts';
import { type Action, allow, queueOf } from '../call.ts';
import { SqsError } from '../errors.ts';
import { checkEntries, inRounds } from '../fifo.ts';
import { limitsOf } from '../limits.ts';
import { contentOf, type SentMessage, sentMessage, sentOutput } from '../messages.ts';

export const sendMessageBatch: Action = async ({ engine, queues, clock }, call) => {
  const queue = queueOf(call);
  allow(call, 'publish', queue);
  const settings = await queues.cached(queue);
  const limits = limitsOf(settings);
  const entries = batchEntriesOf(call.input, 'new', limits);
  checkEntries(entries, settings);
  const contents = eachEntry(entries, contentOf);
  const bytes = contents.reduce((sum, one) => sum + (one instanceof SqsError ? 0 : one.bytes), 0);
  if (bytes > limits.batchBytesMax) {
    throw new SqsError(
      'BatchRequestTooLong',
      `Batch requests cannot be longer than ${limits.batchBytesMax} bytes. You have sent ${bytes} bytes.`,
    );
  }
  const read = eachEntry(entries, (input, index) => {
    const content = contents[index]!;
    if (content instanceof SqsError) throw content;
    return sentMessage(input, content, settings);
  });
  const accepted = read.filter((one): one is SentMessage => !(one instanceof SqsError));
  const results = new Map<PublishEntry, PublishResult>();
  for (const round of inRounds(accepted.map(({ entry }) => entry))) {
    const published = await engine.publishUnchecked(queue, round, call.caller);
    round.forEach((entry, index) => {
      results.set(entry, published.results[index]!);
    });
  }
  const outputs = read.map((one) => {
    if (one instanceof SqsError) return one;
    const result = results.get(one.entry)!;
    return result.ok ? sentOutput(one, result.id, clock.now()) : refusedEntry(result);
  });
  return batchOutput(entries, outputs);
};
