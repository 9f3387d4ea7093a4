/**
 * The event that a function gets: of the shape that Lambda gives to functions of SQS queues, so that handlers in any language work
 * unchanged. https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
 */
import { hash } from 'node:crypto';
import type { ReceivedMessage } from '../../contract/contract.ts';
import { isJsonText, membersOf } from '../../contract/json-text.ts';
import { writeJson } from '../../contract/json-values.ts';
import { functionEventBytesMax } from '../../contract/limits.ts';

interface EventRecord {
  messageId: string;
  receiptHandle: string;
  body: string;
  attributes: Record<string, string>;
  messageAttributes: Record<string, MessageAttribute>;
  md5OfBody: string;
  eventSource: 'dumbwaiter';
  eventSourceARN: string;
  awsRegion: string;
}

interface MessageAttribute {
  dataType: 'String' | 'Number';
  stringValue: string;
  stringListValues: never[];
  binaryListValues: never[];
}

/** The most that a record holds besides body and attributes, bytes. */
const recordOverheadBytes = 2000;

/** The event as JSON text. */
export function eventOf(batch: readonly ReceivedMessage[], from: { queue: string; region: string }): string {
  return JSON.stringify({ Records: batch.map((message) => eventRecord(message, from)) });
}

/** Cuts messages into batches of `size`, none of which makes an event larger than Lambda takes. */
export function batchesOf(
  messages: readonly ReceivedMessage[],
  size: number,
  bytesMax = functionEventBytesMax,
): ReceivedMessage[][] {
  const batches: ReceivedMessage[][] = [];
  let bytes = 0;
  for (const message of messages) {
    const more = recordBytesMax(message);
    const last = batches.at(-1);
    if (last !== undefined && last.length < size && bytes + more <= bytesMax) {
      last.push(message);
      bytes += more;
    } else {
      batches.push([message]);
      bytes = more;
    }
  }
  return batches;
}

/** The most bytes that the record can have: within a string of JSON, each byte of a JSON text becomes at most two. */
export function recordBytesMax({ body, bodyBase64, attributes }: ReceivedMessage): number {
  const texts = [bodyBase64 ?? writeJson(body ?? null), writeJson(attributes)];
  return texts.reduce((sum, text) => sum + 2 * Buffer.byteLength(text), recordOverheadBytes);
}

function eventRecord(message: ReceivedMessage, { queue, region }: { queue: string; region: string }): EventRecord {
  const { id, receipt, receives, group, publishedAt, firstReceivedAt = publishedAt, bodyBase64 } = message;
  const body = bodyBase64 ?? bodyText(message);
  return {
    messageId: id,
    receiptHandle: receipt,
    body,
    attributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: String(Date.parse(publishedAt)),
      SenderId: 'dumbwaiter',
      // SQS always has this field, and parsers require it.
      ApproximateFirstReceiveTimestamp: String(Date.parse(firstReceivedAt)),
      ...(group === undefined ? {} : { MessageGroupId: group }),
    },
    messageAttributes: Object.fromEntries(attributesOf(message).map(([name, value]) => [name, messageAttribute(value)])),
    md5OfBody: hash('md5', body),
    eventSource: 'dumbwaiter',
    eventSourceARN: `arn:aws:dumbwaiter:${region}::${queue}`,
    awsRegion: region,
  };
}

/** The text of a JSON string without its quotes; of every other JSON value, its JSON text. */
function bodyText({ body }: Pick<ReceivedMessage, 'body'>): string {
  const text = writeJson(body ?? null);
  return text.startsWith('"') ? (JSON.parse(text) as string) : text;
}

/** The attributes as names and JSON texts. */
export function attributesOf({ attributes }: Pick<ReceivedMessage, 'attributes'>): [name: string, json: string][] {
  const text = isJsonText(attributes) ? attributes.text : JSON.stringify(attributes);
  return (membersOf(text) ?? []).map(([name, value]) => [name, value.text]);
}

function messageAttribute(json: string): MessageAttribute {
  const isText = json.startsWith('"');
  return {
    dataType: isText ? 'String' : 'Number',
    stringValue: isText ? (JSON.parse(json) as string) : json,
    stringListValues: [],
    binaryListValues: [],
  };
}
