/** RemovePermission: removes a statement from the queue's policy. */
import { type Action, allow, queueOf } from '../call.ts';
import { requiredText } from '../input.ts';
import { withoutPermission } from '../policies.ts';
import { withAttributes } from '../queue-attributes.ts';

export const removePermission: Action = async ({ queues, clock }, call) => {
  const queue = queueOf(call);
  const label = requiredText(call.input, 'Label');
  allow(call, 'updateQueue', queue);
  await queues.change(queue, ({ extras }) =>
    withAttributes(extras, { Policy: withoutPermission(extras.attributes.Policy, label) }, clock.now()),
  );
  return {};
};
