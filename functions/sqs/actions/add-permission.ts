/** AddPermission: adds a statement to the queue's policy. */
import { type Action, allow, queueOf } from '../call.ts';
import { missing } from '../errors.ts';
import { requiredText, textsOf } from '../input.ts';
import { withPermission } from '../policies.ts';
import { withAttributes } from '../queue-attributes.ts';

export const addPermission: Action = async ({ queues, clock }, call) => {
  const queue = queueOf(call);
  const label = requiredText(call.input, 'Label');
  const accounts = textsOf(call.input, 'AWSAccountIds');
  const actions = textsOf(call.input, 'Actions');
  if (accounts.length === 0) throw missing('AWSAccountIds');
  if (actions.length === 0) throw missing('Actions');
  allow(call, 'updateQueue', queue);
  const arn = call.addresses.arnOf(queue);
  await queues.change(queue, ({ extras }) => {
    const Policy = withPermission(extras.attributes.Policy, { label, accounts, actions }, arn);
    return withAttributes(extras, { Policy }, clock.now());
  });
  return {};
};
