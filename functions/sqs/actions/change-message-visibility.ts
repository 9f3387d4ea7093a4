/** ChangeMessageVisibility. */
import { type Action, queueOf } from '../call.ts';
import { SqsError } from '../errors.ts';
import { withinLimits } from '../limits.ts';
import { changeVisibility, visibilityChangeOf } from '../settled-messages.ts';

export const changeMessageVisibility: Action = async (parts, call) => {
  const queue = queueOf(call);
  const change = await withinLimits(parts.queues, queue, (limits) => visibilityChangeOf(call.input, limits, parts.clock.now()));
  const [result] = await changeVisibility(parts, call, queue, [change]);
  if (result instanceof SqsError) throw result;
  return {};
};
