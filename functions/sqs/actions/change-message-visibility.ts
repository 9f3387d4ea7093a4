/** ChangeMessageVisibility. */
import { type Action, queueOf } from '../call.ts';
import { SqsError } from '../errors.ts';
import { changeVisibility, visibilityChangeOf } from '../settled-messages.ts';

export const changeMessageVisibility: Action = async (parts, call) => {
  const queue = queueOf(call);
  const [result] = await changeVisibility(parts, call, queue, [visibilityChangeOf(call.input)]);
  if (result instanceof SqsError) throw result;
  return {};
};
