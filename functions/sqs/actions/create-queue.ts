/** CreateQueue: the same attributes again answer the same URL; other ones are refused. */
import { checkNewName } from '../addresses.ts';
import { type Action, allow, run, type SqsCall, type SqsParts } from '../call.ts';
import { isRefused, SqsError } from '../errors.ts';
import { checkThroughputLimit } from '../fifo.ts';
import { requiredText, textMapOf } from '../input.ts';
import { withinLimits } from '../limits.ts';
import {
  createdSettings,
  differingAttribute,
  type GivenAttributes,
  givenAttributes,
  shownAttributes,
  withAttributes,
} from '../queue-attributes.ts';
import type { SqsQueue } from '../queue-rows.ts';
import { checkAllowed } from '../redrive-policies.ts';
import { withTags } from '../tags.ts';

export const createQueue: Action = async (parts, call) => {
  const name = requiredText(call.input, 'QueueName');
  const attributes = textMapOf(call.input, 'Attributes') ?? [];
  checkNewName(
    name,
    attributes.some(([attribute, value]) => attribute === 'FifoQueue' && value === 'true'),
  );
  const given = await withinLimits(parts.queues, name, (limits) => givenAttributes(name, attributes, limits));
  checkThroughputLimit(given.extras);
  // The JSON protocol writes the name in lower case.
  const tags = textMapOf(call.input, 'tags') ?? textMapOf(call.input, 'Tags') ?? [];
  withTags({}, tags);
  allow(call, 'createQueue', name);
  const there = await parts.queues.find(name);
  if (there) checkSame(call, given, there);
  else await create(parts, call, name, given);
  // A queue that another API made, or whose creation by SQS was cut short, has no attributes of SQS yet.
  if (!there?.isStored) {
    await parts.queues.change(name, ({ extras, isStored }) => {
      if (isStored) return extras;
      return { ...withAttributes(extras, given.extras, parts.clock.now()), tags: withTags(extras.tags, tags) };
    });
  }
  return { QueueUrl: call.addresses.urlOf(name) };
};

async function create(parts: SqsParts, call: SqsCall, name: string, given: GivenAttributes): Promise<void> {
  await checkAllowed(parts.queues, call.addresses, name, given.settings.deadLetter);
  try {
    await run(parts, call, 'createQueue', { queue: name }, { ...createdSettings(name), ...given.settings });
  } catch (error) {
    if (!isRefused(error, 'queue_exists')) throw error;
    // Another call created it meanwhile.
    checkSame(call, given, await parts.queues.read(name));
  }
}

function checkSame({ addresses }: SqsCall, given: GivenAttributes, { record, extras, isStored }: SqsQueue): void {
  const compared = isStored ? given : { ...given, extras: {} };
  const name = differingAttribute(compared, record, shownAttributes(record, extras, addresses));
  if (name === undefined) return;
  throw new SqsError('QueueNameExists', `A queue already exists with the same name and a different value for attribute ${name}`);
}
