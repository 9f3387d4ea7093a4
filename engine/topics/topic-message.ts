/**
 * A message of a topic: what its publisher sent, and what the queue of a subscription gets. The queue's copy also carries the
 * attributes `topic`, `publication` (the id that the publish answered) and `subject`.
 */
import type { Attributes, TopicEntry } from '../../contract/contract.ts';
import { defined } from '../../contract/defined.ts';
import { invalidInput } from '../../contract/errors.ts';
import { isJsonText } from '../../contract/json-text.ts';
import { delaySecondsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { attributesWith, type Content, encodeContent, joinEntries } from '../model/content-codec.ts';
import { keyedId } from '../model/ids.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import type { Timing } from '../model/timing.ts';
import type { TopicRecord } from '../model/topic-record.ts';
import type { Pending } from '../publish/parcels.ts';
import { refusalIn, requestedTiming } from '../publish/requested-options.ts';
import { type CandidateMessage, candidateMessage } from './matching.ts';

/** Attributes that the topic sets. */
const reserved = ['topic', 'publication', 'subject'] as const;

/** What a message asks for, as it is stored beside its content. */
interface Terms {
  /** The id that the publish answers: generated, the caller's own, or made from the key. */
  id: string;
  subject?: string;
  /** Undefined: each queue's own delay. */
  timing?: Timing;
  level: number;
  group?: string;
  /** Whether `id` is the caller's own, or made from a `dedupKey`. Each queue then accepts it once. */
  once?: 'id' | 'key';
}

export interface TopicMessage extends Terms {
  /** Its index in the call. */
  index: number;
  /** As its publisher sent it. */
  content: Content;
  candidate: CandidateMessage;
  /** What each queue gets. */
  delivered: Content;
  encoded: string;
}

/** Why the topic does not accept the message, naming the field; undefined: it does. */
export function refusalOf(topic: TopicRecord, entry: TopicEntry, now: number): string | undefined {
  const given = isJsonText(entry.attributes) ? (JSON.parse(entry.attributes.text) as Attributes) : (entry.attributes ?? {});
  const taken = reserved.find((name) => Object.hasOwn(given, name));
  if (taken) return `attributes.${taken}: is set by the topic; give the attribute another name`;
  if (entry.deliverAt !== undefined && Date.parse(entry.deliverAt) > now + delaySecondsMax * 1000) {
    return `deliverAt: must be at most ${delaySecondsMax} seconds ahead, was ${entry.deliverAt}`;
  }
  if (entry.prepared && topic.preparedTimeoutSeconds === null) {
    return `prepared: the topic "${topic.name}" has no setting "preparedTimeoutSeconds"`;
  }
  return undefined;
}

export function messageOf(ctx: Context, topic: string, entry: TopicEntry, index: number): TopicMessage {
  const { body, bodyBase64, attributes, subject, priority: level = 0, group, id, dedupKey } = entry;
  const content: Content =
    bodyBase64 === undefined ? { body: body!, ...defined({ attributes }) } : { bodyBase64, ...defined({ attributes }) };
  const answered = id ?? (dedupKey === undefined ? `${ctx.ids.parcel(0)}~0` : keyedId(dedupKey));
  const once = id === undefined ? dedupKey && ('key' as const) : ('id' as const);
  const terms: Terms = {
    id: answered,
    level,
    ...defined({ subject, timing: requestedTiming(entry), group, once: once || undefined }),
  };
  return withContent(topic, terms, content, index);
}

function withContent(topic: string, terms: Terms, content: Content, index: number): TopicMessage {
  const { id, subject } = terms;
  const attributes = attributesWith(content.attributes, { topic, publication: id, ...defined({ subject }) });
  const delivered = { ...content, attributes };
  return {
    ...terms,
    index,
    content,
    candidate: candidateMessage({ ...content, ...defined({ subject }) }),
    delivered,
    encoded: encodeContent(delivered),
  };
}

/**
 * The message as it is published into a queue. `startedAt`: from when its delay counts, ms; undefined: from now. A priority above
 * the queue's levels is lowered to its highest level, as where a message moves between queues.
 */
export function pendingFor(queue: QueueRecord, message: TopicMessage, startedAt?: number): Pending {
  const { index, encoded, level, group, id, once, delivered } = message;
  const timing = message.timing ?? { delayMs: queue.delaySeconds * 1000 };
  return defined({
    index,
    encoded,
    timing: startedAt === undefined || 'at' in timing ? timing : { at: startedAt + timing.delayMs },
    level,
    group,
    id: once === undefined ? undefined : id,
    content: once === 'key' ? delivered : undefined,
  });
}

/** Throws `invalid_input` if this queue does not accept the message. */
export function checkAccepted(queue: QueueRecord, message: TopicMessage, now: number): void {
  const options = defined({ group: message.group, dedupKey: message.once === 'key' ? message.id.slice(1) : undefined });
  const refusal = refusalIn(queue, options, now);
  if (refusal !== undefined) throw invalidInput(`messages[${message.index}].${refusal}`);
}

/** Messages as the text of one stored content: the content of each, and in place of one more, a list of their terms. */
export function encodeMessages(messages: readonly TopicMessage[]): string {
  const terms = messages.map(({ id, subject, timing, level, group, once }) => ({ id, subject, timing, level, group, once }));
  const body = JSON.parse(JSON.stringify(terms));
  return joinEntries([...messages.map(({ content }) => encodeContent(content)), encodeContent({ body })]);
}

export function decodeMessages(topic: string, contents: readonly Content[]): TopicMessage[] {
  const body = contents.at(-1)?.body;
  const terms = isJsonText(body) ? (JSON.parse(body.text) as Terms[]) : [];
  return terms.map((one, index) => withContent(topic, one, contents[index]!, index));
}
