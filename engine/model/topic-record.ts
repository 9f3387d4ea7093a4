/**
 * The records of topics and of their subscriptions, encoded as rows of `queues`. A change of a topic's subscriptions is one
 * transaction that also raises the topic's `revision`. So a list of subscriptions that was read at a revision is valid as long
 * as the topic has that revision.
 */
import type { Filter, FilterScope, QueueSettings, Subscription, Topic } from '../../contract/contract.ts';
import { defined } from '../../contract/defined.ts';
import type { Key, Range, Row } from '../port/port.ts';

export interface TopicRecord {
  name: string;
  /** New for each creation of a topic, and part of the keys of its subscriptions. */
  incarnation: string;
  /** Raised by 1 with each change of its subscriptions. */
  revision: number;
  /** How many subscriptions it has. */
  subscriptions: number;
  /** The size of their filters together: see `filterBytes`. */
  filterBytes: number;
  /** Settings of the queues that its subscriptions own, where a subscription gives none. */
  queueSettings: Partial<QueueSettings>;
  preparedTimeoutSeconds: number | null;
  createdAt: number;
  updatedAt: number;
  version: string;
}

export interface SubscriptionRecord {
  topic: string;
  topicIncarnation: string;
  name: string;
  subject: string | null;
  filter: Filter | null;
  filterScope: FilterScope;
  /** The queue that it delivers into. */
  queue: string;
  /** The incarnation of that queue. */
  queueIncarnation: string;
  ownsQueue: boolean;
  expiresAfterSeconds: number | null;
  /** The revision of the topic that added it. A publication of an earlier revision does not reach it. */
  fromRevision: number;
  createdAt: number;
  updatedAt: number;
  version: string;
}

export const topicKind = 'topic';
export const subscriptionKind = 'subscription';
/** A topic that was deleted while it had subscriptions, until the sweep has removed them. */
export const deletedTopicKind = 'deleted-topic';

export function topicKey(name: string): Key {
  return { table: 'queues', kind: topicKind, name };
}

export function deletedTopicKey(incarnation: string): Key {
  return { table: 'queues', kind: deletedTopicKind, name: incarnation };
}

/** The key of a subscription. All are in one partition, so that the policies of the functions can name it. */
export function subscriptionKey(topicIncarnation: string, name: string): Key {
  return { table: 'queues', kind: subscriptionKind, name: subscriptionRowName(topicIncarnation, name) };
}

export function subscriptionRowName(topicIncarnation: string, name: string): string {
  return `${topicIncarnation}/${name}`;
}

/** The range of a topic's subscriptions: the character after `/` is `0`. */
export function subscriptionsOf({ incarnation }: Pick<TopicRecord, 'incarnation'>): Omit<Range, 'limit'> {
  return {
    table: 'queues',
    partition: subscriptionKind,
    from: `${incarnation}/`,
    to: `${incarnation}0`,
    consistent: true,
  };
}

/** The name of the queue that a subscription owns. No other queue may have `~` in its name. */
export function ownedQueueName(topic: string, subscription: string): string {
  return `${topic}~${subscription}`;
}

/** A row cannot hold null, so settings and filters are stored as JSON text. */
export function topicRow(record: TopicRecord, kind: 'topic' | 'deleted-topic' = topicKind): Row {
  const { name, incarnation, queueSettings, preparedTimeoutSeconds, ...plain } = record;
  return {
    ...plain,
    ...(preparedTimeoutSeconds === null ? {} : { preparedTimeoutSeconds }),
    kind,
    name: kind === topicKind ? name : incarnation,
    topic: name,
    incarnation,
    queueSettings: JSON.stringify(queueSettings),
  };
}

export function readTopic(row: Row): TopicRecord {
  return {
    name: row.topic as string,
    incarnation: row.incarnation as string,
    revision: row.revision as number,
    subscriptions: row.subscriptions as number,
    filterBytes: (row.filterBytes as number | undefined) ?? 0,
    queueSettings: JSON.parse(row.queueSettings as string) as Partial<QueueSettings>,
    preparedTimeoutSeconds: (row.preparedTimeoutSeconds as number | undefined) ?? null,
    createdAt: row.createdAt as number,
    updatedAt: row.updatedAt as number,
    version: row.version as string,
  };
}

export function subscriptionRow(record: SubscriptionRecord): Row {
  const { name, subject, filter, expiresAfterSeconds, ...plain } = record;
  const optional = {
    subject: subject ?? undefined,
    filter: filter === null ? undefined : JSON.stringify(filter),
    expiresAfterSeconds: expiresAfterSeconds ?? undefined,
  };
  const key = { kind: subscriptionKind, name: subscriptionRowName(record.topicIncarnation, name) };
  return { ...plain, ...defined(optional), ...key, subscription: name };
}

export function readSubscription(row: Row): SubscriptionRecord {
  return {
    topic: row.topic as string,
    topicIncarnation: row.topicIncarnation as string,
    name: row.subscription as string,
    subject: (row.subject as string | undefined) ?? null,
    filter: row.filter === undefined ? null : (JSON.parse(row.filter as string) as Filter),
    filterScope: row.filterScope as FilterScope,
    queue: row.queue as string,
    queueIncarnation: row.queueIncarnation as string,
    ownsQueue: row.ownsQueue as boolean,
    expiresAfterSeconds: (row.expiresAfterSeconds as number | undefined) ?? null,
    fromRevision: row.fromRevision as number,
    createdAt: row.createdAt as number,
    updatedAt: row.updatedAt as number,
    version: row.version as string,
  };
}

/** The size of a filter as it is stored. */
export function filterBytes({ filter }: Pick<SubscriptionRecord, 'filter'>): number {
  return filter === null ? 0 : Buffer.byteLength(JSON.stringify(filter));
}

const instant = (ms: number) => new Date(ms).toISOString();

export function describeTopic(record: TopicRecord): Topic {
  const { name, queueSettings, preparedTimeoutSeconds, subscriptions, createdAt, updatedAt } = record;
  return {
    name,
    queueSettings,
    preparedTimeoutSeconds,
    subscriptions,
    createdAt: instant(createdAt),
    updatedAt: instant(updatedAt),
  };
}

export function describeSubscription(record: SubscriptionRecord): Subscription {
  const { topic, name, subject, filter, filterScope, queue, ownsQueue, expiresAfterSeconds, createdAt, updatedAt } = record;
  const terms = { subject, filter, filterScope, queue, ownsQueue, expiresAfterSeconds };
  return { topic, name, ...terms, createdAt: instant(createdAt), updatedAt: instant(updatedAt) };
}
