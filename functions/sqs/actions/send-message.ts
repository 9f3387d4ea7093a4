/** SendMessage. */
import { type Action, allow, queueOf } from '../call.ts';
import { sqsErrorOf } from '../errors.ts';
import { sentMessage } from '../messages.ts';
import { maximumMessageSize } from '../queue-attributes.ts';

export const sendMessage: Action = async ({ engine, queues }, call) => {
  const queue = queueOf(call);
  allow(call, 'publish', queue);
  const { extras } = await queues.cached(queue);
  const { entry, digests } = sentMessage(call.input, maximumMessageSize(extras));
  const { results } = await engine.publishUnchecked(queue, [entry], call.caller);
  const result = results[0]!;
  if (!result.ok) throw sqsErrorOf(result);
  return { MessageId: result.id, ...digests };
};
