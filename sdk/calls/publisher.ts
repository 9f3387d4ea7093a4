import type { PublishEntry, PublishResult } from '../../contract/contract.ts';
import { stringify } from '../../contract/json-text.ts';
import { Batcher } from './batcher.ts';
import type { Caller, CallOptions } from './caller.ts';
import { attributesOf, contentOf, type SentAttributes } from './content.ts';
import { checkJson } from './json-check.ts';
import type { Timers } from './timers.ts';

/** A message to publish. */
export interface NewMessage<T = unknown> {
  /** Any JSON value, or bytes as Uint8Array; at most 1 MiB. A bigint is sent to the digit, a `jsonText` as it is. */
  body: T;
  /**
   * Your own id: while a message of this id lives, and an hour after its ack, publishing it again publishes nothing. One that was cancelled gives
   * it up. The queue's setting `idempotency` says otherwise.
   */
  id?: string;
  /** How long it stays hidden, 0 s to ten years. Default: the queue's. */
  delaySeconds?: number;
  /** When it can first be received, in place of `delaySeconds`: RFC 3339, up to ten years ahead; an instant past is now. */
  deliverAt?: string;
  /** From 0, the default and least urgent, to one less than the queue's levels. */
  priority?: number;
  /** Messages of one group (a text of up to 128 characters) come in order, under one lease at a time. Without id, delay or priority. */
  group?: string;
  /**
   * Of messages of one key (1 to 128 of `A-Z a-z 0-9 _ . : -`) one is accepted at a time: the queue's setting `deduplication` says for how
   * long, and what a second one does. Its id is `@` and the key. Without `id` and `group`.
   */
  dedupKey?: string;
  /** Received by nobody until `queue.commit(id)`: the queue's setting `prepared` says what becomes of it without. Not with a key or a group. */
  prepared?: boolean;
  /** Up to 20, each a string, a number or a bigint. */
  attributes?: SentAttributes;
}

/** As it travels. Throws TypeError for what JSON does not have. */
export function entryOf({ body, attributes, ...rest }: NewMessage): PublishEntry {
  checkJson('message', rest);
  return { ...contentOf(body), ...rest, ...(attributes !== undefined && { attributes: attributesOf(attributes) }) };
}

/** Gathers what is published to a queue at the same time into as few calls as carry it. */
export class Publisher {
  readonly #caller: Caller;
  readonly #batcher: Batcher<PublishEntry, PublishResult>;

  constructor(caller: Caller, timers: Timers, lingerMs: number) {
    this.#caller = caller;
    this.#batcher = new Batcher(timers, lingerMs);
  }

  /** Throws TypeError at once if a body has no JSON, and then sends none. */
  publish(queue: string, messages: readonly NewMessage[], options: CallOptions = {}): Promise<PublishResult>[] {
    const { signal, ...shared } = options;
    const key = JSON.stringify([queue, shared.retries, shared.timeoutMs]);
    const send = async (entries: PublishEntry[], ending: AbortSignal) =>
      (await this.#caller.call('publish', { queue }, { messages: entries }, { ...shared, signal: ending })).results;
    return messages.map(entryOf).map((entry) => this.#batcher.add({ key, entry, bytes: callBytesOf(entry), send, signal }));
  }
}

const utf8 = new TextEncoder();

/** As `callBytesMax` counts: UTF-8 of the JSON text escaped once more, and a comma. */
function callBytesOf(entry: PublishEntry): number {
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
