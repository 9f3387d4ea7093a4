/** Publishes messages in batches. */
import type { PublishResult, TopicEntry, TopicPublishResult } from '../../contract/contract.ts';
import { stringify } from '../../contract/json-values.ts';
import { Batcher } from './batcher.ts';
import type { Caller, CallOptions } from './caller.ts';
import { attributesOf, contentOf, type SentAttributes } from './content.ts';
import { checkJson } from './json-check.ts';
import type { Timers } from './timers.ts';
import type { Tracing } from './tracing.ts';

/** A message to publish. */
export interface NewMessage<T = unknown> {
  /** Any JSON value, or bytes as Uint8Array; at most 1 MiB. All digits of a bigint are sent, and a `jsonText` is sent as it is. */
  body: T;
  /**
   * An id chosen by you, 1 to 128 characters. Publishing an id again publishes nothing while a message with that id lives, and
   * for an hour after its ack. A cancel frees the id. The queue's setting `idempotency` can change this. Default: the queue
   * generates an id.
   */
  id?: string;
  /** How long the message stays hidden, 0 s to ten years. Default: the queue's `delaySeconds`. */
  delaySeconds?: number;
  /**
   * When the message can first be received, in place of `delaySeconds`: RFC 3339, up to ten years ahead; a past instant means
   * now.
   */
  deliverAt?: string;
  /** From 0, the default and least urgent, to one less than the queue's levels. */
  priority?: number;
  /**
   * Messages of one group (a text of up to 128 characters) are received in order, under one lease at a time. Not with an id, a
   * key, `prepared`, a delay or a priority.
   */
  group?: string;
  /**
   * Among messages with the same key (1 to 128 of `A-Z a-z 0-9 _ . : -`), one is accepted at a time. The queue's setting
   * `deduplication` says for how long, and what a second publish does. The id of the message is `@` and the key. Not with `id`,
   * `group` or `prepared`.
   */
  dedupKey?: string;
  /**
   * No receive returns the message until `queue.commit(id)`. The queue's setting `prepared` says what happens without a commit.
   * Not with a key or a group. Default false.
   */
  prepared?: boolean;
  /** At most 20, each a string, a number or a bigint. */
  attributes?: SentAttributes;
}

/** A message to publish to a topic. */
export interface NewTopicMessage<T = unknown> extends NewMessage<T> {
  /**
   * By which subscriptions choose: tokens separated by `.`, such as `orders.eu.created`; at most 256 characters and 16 tokens.
   * Default: none, which only subscriptions without a subject match.
   */
  subject?: string;
}

/** The message in the form in which it travels. Throws TypeError for values that JSON does not have. */
export function entryOf({ body, attributes, ...rest }: NewTopicMessage): TopicEntry {
  checkJson('message', rest);
  return { ...contentOf(body), ...rest, ...(attributes !== undefined && { attributes: attributesOf(attributes) }) };
}

/** Batches the messages that are published to a queue, or to a topic, at the same time into as few calls as possible. */
export class Publisher {
  readonly #caller: Caller;
  readonly #tracing: Tracing;
  readonly #toQueues: Batcher<TopicEntry, PublishResult>;
  readonly #toTopics: Batcher<TopicEntry, TopicPublishResult>;

  constructor(caller: Caller, timers: Timers, lingerMs: number, tracing: Tracing) {
    this.#caller = caller;
    this.#tracing = tracing;
    this.#toQueues = new Batcher(timers, lingerMs);
    this.#toTopics = new Batcher(timers, lingerMs);
  }

  /** Throws TypeError at once, and sends no message, if a value of any of them has no JSON. */
  publish(queue: string, messages: readonly NewMessage[], options?: CallOptions): Promise<PublishResult>[] {
    return this.#add(this.#toQueues, queue, messages, options, async (entries, limits) => {
      const { results } = await this.#caller.call('publish', { queue }, { messages: entries }, limits);
      return results;
    });
  }

  /** Like `publish`, to a topic. */
  publishToTopic(topic: string, messages: readonly NewTopicMessage[], options?: CallOptions): Promise<TopicPublishResult>[] {
    return this.#add(this.#toTopics, topic, messages, options, async (entries, limits) => {
      const { results } = await this.#caller.call('publishToTopic', { topic }, { messages: entries }, limits);
      return results;
    });
  }

  #add<Result>(
    batcher: Batcher<TopicEntry, Result>,
    destination: string,
    messages: readonly NewTopicMessage[],
    { signal, ...shared }: CallOptions = {},
    call: (entries: TopicEntry[], limits: CallOptions) => Promise<Result[]>,
  ): Promise<Result>[] {
    const key = JSON.stringify([destination, shared.retries, shared.timeoutMs]);
    const send = (entries: TopicEntry[], ending: AbortSignal) => call(entries, { ...shared, signal: ending });
    return this.#tracing.publish('publish', destination, messages.map(entryOf), (entries) =>
      entries.map((entry) => batcher.add({ key, entry, bytes: callBytesOf(entry), send, signal })),
    );
  }
}

const utf8 = new TextEncoder();

/** The size as `callBytesMax` counts it: UTF-8 of the JSON text escaped once more, and a comma. */
function callBytesOf(entry: TopicEntry): number {
  const text = stringify(entry)!;
  let bytes = 1 + utf8.encode(text).length;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === quote || char === backslash) bytes++;
  }
  return bytes;
}

const quote = 0x22;
const backslash = 0x5c;
