/** ListDeadLetterSourceQueues. */
import { type Action, allow, queueOf } from '../call.ts';
import { listedQueues } from '../listed-queues.ts';

export const listDeadLetterSourceQueues: Action = async (parts, call) => {
  const target = queueOf(call);
  allow(call, 'getQueue', target);
  await parts.queues.read(target);
  const { names, next } = await listedQueues(parts, call, ({ deadLetter }) => deadLetter?.queue === target);
  // The JSON protocol writes this name in lower case.
  return { queueUrls: names.map(call.addresses.urlOf), ...next };
};
