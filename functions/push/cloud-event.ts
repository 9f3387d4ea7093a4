/**
 * A message as a CloudEvent over HTTP, in binary mode: the body is the data, and headers `ce-…` hold the rest. A body of bytes comes in
 * structured mode, as `data_base64`, because a signature is over text.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
 */
import type { Json, ReceivedMessage } from '../../contract/contract.ts';
import { writeJson } from '../../contract/json-values.ts';
import { attributesOf } from './function-event.ts';

/** Names that CloudEvents reserves, and those that the queue sets. */
const setByTheQueue: ReadonlySet<string> = new Set([
  'specversion',
  'id',
  'time',
  'datacontenttype',
  'dataschema',
  'data',
  'data_base64',
]);

export function cloudEventOf(message: ReceivedMessage, queue: string): { payload: string; headers: Record<string, string> } {
  const context = { ...contextOf(message, queue) };
  if (message.bodyBase64 !== undefined) {
    const event: Record<string, Json> = {
      ...context,
      datacontenttype: 'application/octet-stream',
      data_base64: message.bodyBase64,
    };
    return { payload: writeJson(event), headers: { 'content-type': 'application/cloudevents+json; charset=utf-8' } };
  }
  const headers = Object.entries(context).map(([name, value]) => [`ce-${name}`, encoded(value)]);
  return { payload: writeJson(message.body ?? null), headers: Object.fromEntries(headers) };
}

/**
 * The context attributes. Attributes of the message whose names are valid in CloudEvents become extensions. `type`, `source` and
 * `subject` replace the queue's own.
 */
function contextOf(message: ReceivedMessage, queue: string): Record<string, string> {
  const { id, publishedAt } = message;
  const own = attributesOf(message).filter(([name]) => /^[a-z0-9]{1,20}$/.test(name) && !setByTheQueue.has(name));
  return {
    specversion: '1.0',
    id,
    source: `/queues/${queue}`,
    type: 'dumbwaiter.message',
    time: publishedAt,
    ...Object.fromEntries(own.map(([name, json]) => [name, String(JSON.parse(json))]).filter(([, value]) => value !== '')),
  };
}

/** Header values hold printable ASCII; all other characters, and space, `"` and `%`, are percent-encoded as UTF-8. */
function encoded(value: string): string {
  return value.toWellFormed().replace(/[^\x21\x23\x24\x26-\x7e]/gu, (char) => encodeURIComponent(char));
}
