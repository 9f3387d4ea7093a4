/** ReceiveMessage. */
import type { ReceivedMessage } from '../../../contract/contract.ts';
import { defined } from '../../../contract/defined.ts';
import { type Addresses, accountId } from '../addresses.ts';
import { fittingCount } from '../answer-size.ts';
import { type Action, allow, queueOf, run } from '../call.ts';
import { attemptIdOf, contentId, isFifo, sequenceNumberOf } from '../fifo.ts';
import { textsOf, wholeOf } from '../input.ts';
import { withinLimits } from '../limits.ts';
import { md5OfBody } from '../md5.ts';
import { type MessageAttributes, selectedAttributes } from '../message-attributes.ts';
import { bodyTextOf, digestOf } from '../messages.ts';
import { checkReadable, receiveWaitSeconds } from '../queue-attributes.ts';
import { giveBack } from '../settled-messages.ts';
import { readAttributes } from '../stored-attributes.ts';

const waitSecondsMax = 20;

export const systemNames: ReadonlySet<string> = new Set([
  'All',
  'SenderId',
  'SentTimestamp',
  'ApproximateReceiveCount',
  'ApproximateFirstReceiveTimestamp',
  'AWSTraceHeader',
  'DeadLetterQueueSourceArn',
  'MessageGroupId',
  'MessageDeduplicationId',
  'SequenceNumber',
]);

export const receiveMessage: Action = async (parts, call) => {
  const queue = queueOf(call);
  const { input, addresses } = call;
  const { max = 1, visibilityTimeoutSeconds } = await withinLimits(parts.queues, queue, (limits) => ({
    max: wholeOf(input, 'MaxNumberOfMessages', 1, limits.entriesMax, `Must be between 1 and ${limits.entriesMax}, if provided.`),
    visibilityTimeoutSeconds: wholeOf(input, 'VisibilityTimeout', 0, limits.visibilitySecondsMax),
  }));
  const wait = wholeOf(input, 'WaitTimeSeconds', 0, waitSecondsMax);
  const attemptId = attemptIdOf(input, queue);
  const attributeNames = textsOf(input, 'MessageAttributeNames');
  const names = [...textsOf(input, 'AttributeNames'), ...textsOf(input, 'MessageSystemAttributeNames')];
  for (const name of names) checkSystemName(name);
  allow(call, 'receive', queue);
  const waitSeconds = wait ?? receiveWaitSeconds((await parts.queues.cached(queue)).extras);
  const asked = { max, waitSeconds, ...defined({ visibilityTimeoutSeconds, attemptId }) };
  const { messages } = await run(parts, call, 'receive', { queue }, asked);
  const all = messages.map((message) => shownMessage(message, { queue, names, attributeNames, addresses }));
  const shown = all.slice(0, fittingCount(all.map(textsOfMessage)));
  await giveBack(parts, queue, messages.slice(shown.length));
  return shown.length === 0 ? {} : { Messages: shown };
};

function textsOfMessage({ Body, MessageAttributes = {} }: ShownMessage): string[] {
  const attributes = Object.values(MessageAttributes);
  return [Body, ...attributes.map(({ StringValue = '', BinaryValue = '' }) => StringValue + BinaryValue)];
}

/** The older `AttributeNames` has the type of the names of queue attributes, so that clients may send those. */
function checkSystemName(name: string): void {
  if (systemNames.has(name)) return;
  checkReadable([name]);
}

interface Asked {
  queue: string;
  names: readonly string[];
  attributeNames: readonly string[];
  addresses: Addresses;
}

interface ShownMessage {
  MessageId: string;
  ReceiptHandle: string;
  MD5OfBody: string;
  Body: string;
  MessageAttributes?: { [name: string]: { StringValue?: string; BinaryValue?: string } };
}

function shownMessage(message: ReceivedMessage, asked: Asked): ShownMessage {
  const { names, attributeNames } = asked;
  const { attributes, system } = readAttributes(message.attributes);
  const selected = selectedAttributes(attributes, attributeNames);
  const body = bodyTextOf(message);
  const systemAttributes = Object.entries(systemAttributesOf(message, body, system, asked)).filter(
    ([name]) => names.includes('All') || names.includes(name),
  );
  return {
    MessageId: message.id,
    ReceiptHandle: message.receipt,
    MD5OfBody: md5OfBody(body),
    Body: body,
    ...(systemAttributes.length > 0 && { Attributes: Object.fromEntries(systemAttributes) }),
    ...digestOf('MD5OfMessageAttributes', selected),
    ...(selected.size > 0 && { MessageAttributes: shownAttributes(selected) }),
  };
}

function shownAttributes(attributes: MessageAttributes): NonNullable<ShownMessage['MessageAttributes']> {
  return Object.fromEntries(
    [...attributes].map(([name, { type, value }]) => [
      name,
      { DataType: type, ...(type.startsWith('Binary') ? { BinaryValue: value } : { StringValue: value }) },
    ]),
  );
}

function systemAttributesOf(
  message: ReceivedMessage,
  body: string,
  system: MessageAttributes,
  { queue, addresses }: Asked,
): object {
  const sentAt = Date.parse(message.publishedAt);
  const { firstReceivedAt } = message;
  const trace = system.get('AWSTraceHeader')?.value;
  const group = system.get('MessageGroupId')?.value ?? message.group ?? message.deadLetter?.group;
  return {
    SenderId: accountId,
    SentTimestamp: String(sentAt),
    ApproximateReceiveCount: String(message.receives),
    ...(firstReceivedAt !== undefined && { ApproximateFirstReceiveTimestamp: String(Date.parse(firstReceivedAt)) }),
    ...(trace !== undefined && { AWSTraceHeader: trace }),
    ...(group !== undefined && { MessageGroupId: group }),
    ...(isFifo(queue) && {
      MessageDeduplicationId: system.get('MessageDeduplicationId')?.value ?? contentId(body),
      SequenceNumber: sequenceNumberOf(message.id, sentAt),
    }),
    ...(message.deadLetter && { DeadLetterQueueSourceArn: addresses.arnOf(message.deadLetter.queue) }),
  };
}
