/** DeleteMessage. */
import { type Action, queueOf } from '../call.ts';
import { SqsError } from '../errors.ts';
import { requiredText } from '../input.ts';
import { deleteByHandles } from '../settled-messages.ts';

export const deleteMessage: Action = async (parts, call) => {
  const queue = queueOf(call);
  const [result] = await deleteByHandles(parts, call, queue, [requiredText(call.input, 'ReceiptHandle')]);
  if (result instanceof SqsError) throw result;
  return {};
};
