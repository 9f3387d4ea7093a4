/** ListQueues. */
import type { Action } from '../call.ts';
import { textOf } from '../input.ts';
import { listedQueues } from '../listed-queues.ts';

export const listQueues: Action = async (parts, call) => {
  const prefix = textOf(call.input, 'QueueNamePrefix') ?? '';
  const { names, next } = await listedQueues(parts, call, ({ name }) => name.startsWith(prefix));
  return { ...(names.length > 0 && { QueueUrls: names.map(call.addresses.urlOf) }), ...next };
};
