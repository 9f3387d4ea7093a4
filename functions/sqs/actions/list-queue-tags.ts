/** ListQueueTags. */
import { type Action, allow, queueOf } from '../call.ts';

export const listQueueTags: Action = async ({ queues }, call) => {
  const queue = queueOf(call);
  allow(call, 'getQueue', queue);
  const { tags } = (await queues.read(queue)).extras;
  return Object.keys(tags).length === 0 ? {} : { Tags: tags };
};
