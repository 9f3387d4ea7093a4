/** GetQueueAttributes. Messages are counted only if the call asks for a count. */
import { type Action, allow, queueOf, run } from '../call.ts';
import { textsOf } from '../input.ts';
import { checkReadable, countedNames, shownAttributes } from '../queue-attributes.ts';

export const getQueueAttributes: Action = async (parts, call) => {
  const queue = queueOf(call);
  const names = textsOf(call.input, 'AttributeNames');
  checkReadable(names);
  allow(call, 'getQueue', queue);
  const { record, extras } = await parts.queues.read(queue);
  const wantsAll = names.includes('All');
  const wantsCounts = wantsAll || names.some((name) => countedNames.has(name));
  const counts = wantsCounts ? (await run(parts, call, 'getQueue', { queue }, {})).counts : undefined;
  const all = shownAttributes(record, extras, call.addresses, counts);
  const asked = Object.entries(all).filter(([name]) => wantsAll || names.includes(name));
  return asked.length === 0 ? {} : { Attributes: Object.fromEntries(asked) };
};
