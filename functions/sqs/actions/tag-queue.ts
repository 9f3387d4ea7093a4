/** TagQueue. */
import { type Action, allow, queueOf } from '../call.ts';
import { missing } from '../errors.ts';
import { textMapOf } from '../input.ts';
import { withTags } from '../tags.ts';

export const tagQueue: Action = async ({ queues }, call) => {
  const queue = queueOf(call);
  const tags = textMapOf(call.input, 'Tags');
  if (tags === undefined || tags.length === 0) throw missing('Tags');
  allow(call, 'updateQueue', queue);
  await queues.change(queue, ({ extras }) => ({ ...extras, tags: withTags(extras.tags, tags) }));
  return {};
};
