/**
 * The W3C trace context of a message: its attributes `traceparent` and `tracestate` (https://www.w3.org/TR/trace-context/). As attributes, they
 * follow the message through topics, redrives and dead-letter queues.
 */
import { createTraceState, isSpanContextValid, type SpanContext } from '@opentelemetry/api';
import type { Attributes, TopicEntry } from '../../contract/contract.ts';
import { isJsonText } from '../../contract/json-text.ts';
import { attributeStringCharsMax, attributesMax } from '../../contract/limits.ts';

/** Of version 00. Later versions may append fields. Version ff is invalid. */
const traceparentPattern =
  /^(?:00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})|(?!00|ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?)$/;

/** The context in a message's attributes; undefined: none, or an invalid one. */
export function contextIn(attributes: Attributes | undefined): SpanContext | undefined {
  const match = traceparentPattern.exec(textOf(attributes?.traceparent) ?? '');
  if (!match) return undefined;
  const [, ...fields] = match;
  const [traceId, spanId, flags] = fields.filter((field) => field !== undefined) as [string, string, string];
  const state = textOf(attributes?.tracestate);
  const context: SpanContext = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
    ...(state && { traceState: createTraceState(state) }),
  };
  return isSpanContextValid(context) ? context : undefined;
}

/**
 * The entry with this context in its attributes. Unchanged if it brings a context of its own, or if the attributes have no room: a message is
 * never refused for its trace.
 */
export function withContext(entry: TopicEntry, context: SpanContext): TopicEntry {
  const attributes = entry.attributes ?? {};
  if (typeof attributes !== 'object' || Array.isArray(attributes) || isJsonText(attributes)) return entry;
  const room = attributesMax - Object.keys(attributes).length;
  if (room < 1 || 'traceparent' in attributes || 'tracestate' in attributes || !isSpanContextValid(context)) return entry;
  const { traceId, spanId, traceFlags, traceState } = context;
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  const tracestate = traceState?.serialize() ?? '';
  const isFit = tracestate !== '' && tracestate.length <= attributeStringCharsMax && room > 1;
  return { ...entry, attributes: { ...attributes, traceparent, ...(isFit && { tracestate }) } };
}

/** A client with `json: 'text'` gets each value as its JSON text. No text of a trace context begins with a quotation mark. */
function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (!value.startsWith('"')) return value;
  try {
    return String(JSON.parse(value));
  } catch {
    return undefined;
  }
}
