/** A message as SQS sends and receives it, and as the queue stores it. */
import type { PublishEntry, ReceivedMessage } from '../../contract/contract.ts';
import { isJsonText, textAsJson } from '../../contract/json-text.ts';
import { invalidParameter, missing, SqsError } from './errors.ts';
import { fifoPlacement, isFifo, sequenceNumberOf } from './fifo.ts';
import { type Input, textOf, wholeOf } from './input.ts';
import { limitsOf } from './limits.ts';
import { md5OfAttributes, md5OfBody } from './md5.ts';
import {
  bytesOfAttributes,
  hasForbiddenCharacters,
  type MessageAttributes,
  messageAttributesOf,
  systemAttributesOf,
  withoutForbiddenCharacters,
} from './message-attributes.ts';
import { fairPlacement } from './message-groups.ts';
import { maximumMessageSize } from './queue-attributes.ts';
import type { SqsQueue } from './queue-rows.ts';
import { storedAttributes } from './stored-attributes.ts';

export interface SentMessage {
  entry: PublishEntry;
  digests: object;
  isOrdered: boolean;
}

/** What a message consists of, wherever it goes. */
export interface Content {
  body: string;
  attributes: MessageAttributes;
  system: MessageAttributes;
  /** The size of the body and the message attributes, which SQS limits. */
  bytes: number;
}

/** Reads the content of SendMessage, or of an entry of its batch. */
export function contentOf(input: Input): Content {
  const body = textOf(input, 'MessageBody');
  if (body === undefined || body === '') throw missing('MessageBody');
  const attributes = messageAttributesOf(input);
  const system = systemAttributesOf(input);
  if (hasForbiddenCharacters(body)) {
    throw new SqsError(
      'InvalidMessageContents',
      'Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF',
    );
  }
  return { body, attributes, system, bytes: Buffer.byteLength(body) + bytesOfAttributes(attributes) };
}

/** The message of a call or an entry with this content. */
export function sentMessage(input: Input, { body, attributes, system, bytes }: Content, queue: SqsQueue): SentMessage {
  const bytesMax = maximumMessageSize(queue.extras);
  if (bytes > bytesMax) {
    throw invalidParameter(`One or more parameters are invalid. Reason: Message must be shorter than ${bytesMax} bytes.`);
  }
  const delaySeconds = wholeOf(input, 'DelaySeconds', 0, limitsOf(queue).delaySecondsMax);
  const isOrdered = isFifo(queue.record.name);
  const placement = isOrdered ? fifoPlacement(input, body, queue, delaySeconds) : fairPlacement(input, queue, delaySeconds);
  const stored = storedAttributes({ attributes, system: new Map([...system, ...placement.system]) });
  return {
    entry: {
      body: textAsJson(JSON.stringify(body)) as never,
      ...(stored && { attributes: stored }),
      // On a FIFO queue, 0 is allowed and changes nothing.
      ...(delaySeconds !== undefined && !isOrdered && { delaySeconds }),
      ...placement.fields,
    },
    digests: {
      MD5OfMessageBody: md5OfBody(body),
      ...digestOf('MD5OfMessageAttributes', attributes),
      ...digestOf('MD5OfMessageSystemAttributes', system),
    },
    isOrdered,
  };
}

/** What the answer says of a message that was published, or of the earlier one of which it is a duplicate. */
export function sentOutput({ digests, isOrdered }: SentMessage, id: string, now: number): object {
  return { MessageId: id, ...digests, ...(isOrdered && { SequenceNumber: sequenceNumberOf(id, now) }) };
}

export function digestOf(name: string, attributes: MessageAttributes): object {
  const digest = md5OfAttributes(attributes);
  return digest === undefined ? {} : { [name]: digest };
}

/** The body of a received message. One that is no text, by another API, is its JSON text, or the base64 of its bytes. */
export function bodyTextOf({ body, bodyBase64 }: Pick<ReceivedMessage, 'body' | 'bodyBase64'>): string {
  if (bodyBase64 !== undefined) return bodyBase64;
  const text = isJsonText(body) ? body.text : JSON.stringify(body);
  return withoutForbiddenCharacters(text.startsWith('"') ? JSON.parse(text) : text);
}
