/** SetQueueAttributes. */
import { type Action, allow, queueOf, run } from '../call.ts';
import { missing } from '../errors.ts';
import { textMapOf } from '../input.ts';
import { withinLimits } from '../limits.ts';
import { givenAttributes, withAttributes } from '../queue-attributes.ts';
import { checkAllowed } from '../redrive-policies.ts';

export const setQueueAttributes: Action = async (parts, call) => {
  const queue = queueOf(call);
  const given = textMapOf(call.input, 'Attributes');
  if (given === undefined || given.length === 0) throw missing('Attribute.Name');
  const { settings, extras } = await withinLimits(parts.queues, queue, (limits) => givenAttributes(queue, given, limits));
  allow(call, 'updateQueue', queue);
  // Before a setting changes: attributes that do not go together change nothing.
  withAttributes((await parts.queues.read(queue)).extras, extras, parts.clock.now());
  await checkAllowed(parts.queues, call.addresses, queue, settings.deadLetter);
  if (Object.keys(settings).length > 0) await run(parts, call, 'updateQueue', { queue }, settings);
  await parts.queues.change(queue, (there) => withAttributes(there.extras, extras, parts.clock.now()));
  return {};
};
