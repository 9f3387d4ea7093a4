/** GetQueueUrl. There is one account, whose id a caller may leave out or give as any. */
import { anyQueueName } from '../../../contract/path-names.ts';
import { type Action, allow } from '../call.ts';
import { noSuchQueue } from '../errors.ts';
import { requiredText } from '../input.ts';

export const getQueueUrl: Action = async ({ queues }, call) => {
  const name = requiredText(call.input, 'QueueName');
  if (!anyQueueName.test(name)) throw noSuchQueue();
  allow(call, 'getQueue', name);
  await queues.read(name);
  return { QueueUrl: call.addresses.urlOf(name) };
};
