/** DeleteQueue. */
import { type Action, queueOf, run } from '../call.ts';

export const deleteQueue: Action = async (parts, call) => {
  await run(parts, call, 'deleteQueue', { queue: queueOf(call) }, {});
  return {};
};
