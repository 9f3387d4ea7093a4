/** SendMessage. */
import { type Action, allow, queueOf } from '../call.ts';
import { sqsErrorOf } from '../errors.ts';
import { sentMessage } from '../messages.ts';

export const sendMessage: Action = async ({ engine, queues }, call) => {
  const queue = queueOf(call);
  allow(call, 'publish', queue);
  const { entry, digests } = sentMessage(call.input, await queues.cached(queue));
  const { results } = await engine.publishUnchecked(queue, [entry], call.caller);
  const result = results[0]!;
  if (!result.ok) throw sqsErrorOf(result);
  return { MessageId: result.id, ...digests };
};
