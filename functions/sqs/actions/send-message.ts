/** SendMessage. */
import { type Action, allow, queueOf } from '../call.ts';
import { sqsErrorOf } from '../errors.ts';
import { contentOf, sentMessage, sentOutput } from '../messages.ts';

export const sendMessage: Action = async ({ engine, queues, clock }, call) => {
  const queue = queueOf(call);
  allow(call, 'publish', queue);
  const sent = sentMessage(call.input, contentOf(call.input), await queues.cached(queue));
  const { results } = await engine.publishUnchecked(queue, [sent.entry], call.caller);
  const result = results[0]!;
  if (!result.ok) throw sqsErrorOf(result);
  return sentOutput(sent, result.id, clock.now());
};
