/** Types of the inputs and results of a queue's methods. */

import type { Counts, OperationName, PublishResult, Queue, Refused, TopicPublishResult } from '../../contract/contract.ts';
import type { SentAttributes } from '../calls/content.ts';
import type { NewMessage, NewTopicMessage } from '../calls/publisher.ts';

/** One message, or several. */
export type Publishable<T> = NewMessage<T> | readonly NewMessage<T>[];
export type PublishableToTopic<T> = NewTopicMessage<T> | readonly NewTopicMessage<T>[];
/** Entries of a transaction, and the ids that its messages will have. */
export interface PublishItems<Item> {
  items: Item[];
  ids: string[];
}

export type Published = Exclude<PublishResult, Refused>;
export type PublishedToTopic = Exclude<TopicPublishResult, Refused>;
export type QueueDescription = Queue & { counts: Counts };

export interface ReceiveInput {
  /** At most this many messages, 1 to 100. Default 1. */
  max?: number;
  /** How long the messages are leased, 0 s to 365 days. Default: the queue's `visibilityTimeoutSeconds`. */
  visibilityTimeoutSeconds?: number;
  /** How long to wait for a first message, 0 to 20 s. Default 0. */
  waitSeconds?: number;
  /**
   * Names this receive, so that it can be repeated if its answer is lost: within five minutes, a receive with the same text returns
   * the messages that are still leased by it, with the same receipts. Up to 128 characters. Default: none.
   */
  attemptId?: string;
}

/** The operations on one message by its id. */
export type MessageOperation = Extract<OperationName, `${string}Message`>;

export interface ReleaseByIdInput {
  /** How long the message stays hidden, 0 s to ten years. Default 0. */
  delaySeconds?: number;
  /** Only the lease of this receive, as `receives` of the message counts it. Default: any lease. */
  receives?: number;
}

/** A number of seconds from now, or an instant (RFC 3339). */
export type Reschedule = { delaySeconds: number } | { deliverAt: string };

/** What to change in a waiting message. Fields that are left out stay. */
export interface Edit<T = unknown> {
  /** Any JSON value, or bytes as Uint8Array; at most 1 MiB. */
  body?: T;
  /** Replace all the old ones; at most 20. */
  attributes?: SentAttributes;
  /** From 0 to one less than the queue's levels. */
  priority?: number;
}

export function isList<T>(given: T | readonly T[]): given is readonly T[] {
  return Array.isArray(given);
}
