/**
 * Types of topics. A topic passes each message that is published to it to all its subscriptions that match. A subscription
 * delivers into a queue: one of its own, named `{topic}~{subscription}`, or one that exists already.
 */
import type { Json, PublishEntry, Refused } from './messages.ts';
import type { Counts, QueueSettingsInput } from './queues.ts';
import type { TopicStatsPoint } from './stats.ts';

/** Settings of a topic. A missing setting gets its default on create and stays as it is on update. */
export interface TopicSettingsInput {
  /** Settings of the queues that its subscriptions own, where a subscription gives none. Default: those of any queue. */
  queueSettings?: QueueSettingsInput;
  /**
   * How long a prepared publish waits for its commit before it is rolled back, 1 s to 30 days. Default `null`: publishes with
   * `prepared` are refused.
   */
  preparedTimeoutSeconds?: number | null;
}

export interface Topic {
  name: string;
  queueSettings: QueueSettingsInput;
  preparedTimeoutSeconds: number | null;
  /** How many subscriptions it has, at most 10,000. */
  subscriptions: number;
  createdAt: string;
  updatedAt: string;
}

/** A topic in a list; with `lastHour` if the list was asked for it. */
export type ListedTopic = Topic & { lastHour?: TopicStatsPoint[] };

/** A message to publish to a topic: as to a queue, with a subject by which subscriptions choose. */
export interface TopicEntry extends PublishEntry {
  /**
   * Tokens separated by `.`, such as `orders.eu.created`; at most 256 characters and 16 tokens. Default: none, which only
   * subscriptions without a subject match.
   */
  subject?: string;
}

/** `subscriptions`: how many subscriptions got the message. `duplicate`: every one of them had a message of that id or key. */
export type TopicPublishResult = { ok: true; id: string; subscriptions: number; duplicate?: true } | Refused;

/** One condition on a value, in the language of SNS filter policies. */
export type FilterCondition =
  | string
  | number
  | boolean
  | null
  | { prefix: string | { 'equals-ignore-case': string } }
  | { suffix: string | { 'equals-ignore-case': string } }
  | { wildcard: string }
  | { 'equals-ignore-case': string }
  | { 'anything-but': AnythingBut }
  | { numeric: (string | number)[] }
  | { exists: boolean }
  | { cidr: string };

type AnythingBut =
  | string
  | number
  | (string | number)[]
  | { prefix: string | string[] }
  | { suffix: string | string[] }
  | { wildcard: string | string[] }
  | { 'equals-ignore-case': string | string[] };

/**
 * A filter: each key must have a value that meets one of its conditions. `$or` holds alternatives. Keys nest only where the
 * filter applies to the body. The language is that of SNS:
 * https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
 */
export interface Filter {
  [key: string]: FilterCondition[] | Filter | Filter[];
}

/** What a filter looks at: the attributes of a message, or its body. */
export type FilterScope = 'attributes' | 'body';

/** What a subscription asks for. Without `subject` and `filter` it gets every message of the topic. */
export interface SubscriptionInput {
  /** A pattern of subjects: `*` stands for one token, `>` at the end for one or more. Default `null`: every message. */
  subject?: string | null;
  /** Default `null`: no filter. */
  filter?: Filter | null;
  /** Default `attributes`. */
  filterScope?: FilterScope;
  /** An existing queue to deliver into. Default: a queue of its own. Cannot be changed. */
  queue?: string;
  /** Settings of its own queue. Not with `queue`. Change them by PATCH of the queue. */
  settings?: QueueSettingsInput;
  /**
   * The subscription and its queue end after this many seconds without a receive or an extend, 60 to 31,536,000 (365 days), checked once a
   * minute. Only with a queue of its own. Default `null`: never.
   */
  expiresAfterSeconds?: number | null;
}

/** What may be changed in a subscription. Fields that are left out stay as they are. */
export type SubscriptionChanges = Pick<SubscriptionInput, 'subject' | 'filter' | 'filterScope' | 'expiresAfterSeconds'>;

export interface Subscription {
  topic: string;
  name: string;
  subject: string | null;
  filter: Filter | null;
  filterScope: FilterScope;
  /** The queue that it delivers into. */
  queue: string;
  /** Whether the subscription owns its queue: the queue ends with it. */
  ownsQueue: boolean;
  expiresAfterSeconds: number | null;
  createdAt: string;
  updatedAt: string;
}

/** A subscription with the messages that wait in its queue. `counts` is absent if the caller's key does not cover the queue. */
export type SubscriptionWithCounts = Subscription & { counts?: Counts };

/** A message that a filter is tried on. */
export type TestedMessage = Pick<TopicEntry, 'body' | 'bodyBase64' | 'attributes' | 'subject'>;

/** Whether a message would match; if not, the first condition that failed. */
export interface MatchResult {
  matches: boolean;
  /** Absent if it matches. */
  failed?: {
    /** The path of the condition: `subject`, or in the filter, such as `filter.customer.country`. */
    path: string;
    /** What the subscription asks for there. */
    condition: Json;
    /** The message's value there; absent if it has none. */
    value?: Json;
  };
}
