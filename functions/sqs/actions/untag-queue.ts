/** UntagQueue. A key that no tag has changes nothing. */
import { type Action, allow, queueOf } from '../call.ts';
import { missing } from '../errors.ts';
import { textsOf } from '../input.ts';
import { withoutTags } from '../tags.ts';

export const untagQueue: Action = async ({ queues }, call) => {
  const queue = queueOf(call);
  const keys = textsOf(call.input, 'TagKeys');
  if (keys.length === 0) throw missing('TagKeys');
  allow(call, 'updateQueue', queue);
  await queues.change(queue, ({ extras }) => ({ ...extras, tags: withoutTags(extras.tags, keys) }));
  return {};
};
