/** Draws topics, their subscriptions, and the steps that use them. Few subjects and attributes, so that many messages match. */
import type { Filter, QueueSettings } from '../../../contract/contract.ts';
import { defined } from '../../../contract/defined.ts';
import { drawDeduplication } from './draw-keys.ts';
import { drawSettings } from './draw-queues.ts';
import { drawWait } from './draw-waits.ts';
import { type Drawing, daySeconds } from './drawing.ts';
import type { PlannedQueue, PlannedSubscription, PlannedTopic, PlannedTopicMessage, Step, Terms } from './plan.ts';

/**
 * `keyed`: messages with own ids and keys, in queues that move no messages: the checker could not tell which queue a moved message
 * with an own id came from. `wide`: so many subscriptions that one message does not fit into one transaction.
 */
export type TopicFlavour = 'plain' | 'keyed' | 'prepared' | 'wide';

const every: Terms = { subject: null, filter: null, filterScope: 'attributes' };
const topicNames = ['t1', 't2', 't3', 't4'];
const subscriptionNames = ['s1', 's2', 's3', 's4', 's5', 's6'];
const subjects = ['a', 'a.b', 'a.c', 'b.b', undefined];
const patterns = [null, null, null, 'a', 'a.*', '*.b', 'a.>', '>'];
const kinds = ['x', 'y', undefined];
const filters: readonly (Filter | null)[] = [
  null,
  null,
  null,
  { kind: ['x'] },
  { kind: ['x', 'y'] },
  { kind: [{ 'anything-but': ['x'] }] },
  { kind: [{ exists: true }] },
];

export function drawTopics(d: Drawing, pace: number, flavour: TopicFlavour, queues: readonly PlannedQueue[]): PlannedTopic[] {
  const count = flavour === 'wide' ? 1 : d.pick([2, 2, 3, 4]);
  return topicNames.slice(0, count).map((name) => ({
    name,
    preparedTimeoutSeconds: flavour === 'prepared' || d.chance(0.2) ? d.pick([5, 30, 120, 600]) : null,
    queueSettings: drawTopicQueueSettings(d, pace, flavour, queues),
    subscriptions: drawSubscriptions(d, flavour, queues),
  }));
}

function drawTopicQueueSettings(
  d: Drawing,
  pace: number,
  flavour: TopicFlavour,
  queues: readonly PlannedQueue[],
): Partial<QueueSettings> {
  const mayDie = flavour !== 'keyed' && queues.some(({ name }) => name === 'dead') && d.chance(0.4);
  return {
    ...drawSettings(d, pace),
    ...(mayDie ? { deadLetter: { queue: 'dead', maxReceives: 1 + d.whole(3) } } : {}),
    ...(flavour === 'keyed' ? drawDeduplication(d) : {}),
  };
}

function drawSubscriptions(d: Drawing, flavour: TopicFlavour, queues: readonly PlannedQueue[]): PlannedSubscription[] {
  if (flavour === 'wide') {
    return Array.from({ length: 100 + d.whole(20) }, (_, index) => ({ name: `w${100 + index}`, terms: every }));
  }
  // Large batches to most of them do not fit into one transaction.
  if (flavour === 'keyed') {
    return subscriptionNames
      .slice(0, 3 + d.whole(4))
      .map((name) => ({ ...drawSubscription(d, queues, name), ...(d.chance(0.7) ? { terms: every } : {}) }));
  }
  return subscriptionNames.slice(0, d.whole(subscriptionNames.length)).map((name) => drawSubscription(d, queues, name));
}

function drawSubscription(d: Drawing, queues: readonly PlannedQueue[], name: string): PlannedSubscription {
  const existing = d.chance(0.2) ? d.pick(queues).name : undefined;
  return {
    name,
    terms: drawTerms(d),
    ...(existing !== undefined && existing !== 'dead'
      ? { queue: existing }
      : d.chance(0.15)
        ? { expiresAfterSeconds: d.pick([60, 600, 3600, daySeconds]) }
        : {}),
  };
}

function drawTerms(d: Drawing): Terms {
  const subject = d.pick(patterns);
  if (d.chance(0.1)) return { subject, filter: { number: [{ exists: true }] }, filterScope: 'body' };
  return { subject, filter: d.pick(filters), filterScope: 'attributes' };
}

/** The names of the queues that its subscriptions may own. */
export function ownedQueues({ name, subscriptions }: PlannedTopic): string[] {
  const names = [...subscriptionNames, ...subscriptions.map((one) => one.name)];
  return [...new Set(names)].map((subscription) => `${name}~${subscription}`);
}

export const topicSteps = [
  'subscribe',
  'unsubscribe',
  'changeTerms',
  'publishToTopic',
  'decidePublication',
  'remakeTopic',
] as const satisfies Step['do'][];
export type TopicStep = (typeof topicSteps)[number];

export function isTopicStep(kind: Step['do']): kind is TopicStep {
  return (topicSteps as readonly Step['do'][]).includes(kind);
}

export interface TopicOptions {
  flavour: TopicFlavour;
  topics: readonly PlannedTopic[];
  queues: readonly PlannedQueue[];
  /** The share of publishes with a group. */
  grouped: number;
  /** The share of bodies that are offloaded. */
  large: number;
  next: () => number;
}

export function drawTopicStep(d: Drawing, options: TopicOptions, kind: TopicStep): Step {
  const topic = d.pick(options.topics);
  const name = d.pick(subscriptionNames);
  switch (kind) {
    case 'subscribe':
      return { do: kind, topic: topic.name, subscription: drawSubscription(d, options.queues, name) };
    case 'unsubscribe':
      return { do: kind, topic: topic.name, name: (d.chance(0.5) ? d.any(topic.subscriptions)?.name : undefined) ?? name };
    case 'changeTerms':
      return { do: kind, topic: topic.name, name: d.any(topic.subscriptions)?.name ?? name, terms: drawTerms(d) };
    case 'publishToTopic':
      return { do: kind, topic: topic.name, messages: drawTopicMessages(d, options, topic) };
    case 'decidePublication':
      return { do: kind, decision: d.chance(0.7) ? 'commit' : 'rollback' };
    case 'remakeTopic':
      return { do: kind, topic: topic.name, force: d.chance(0.8) };
  }
}

export function drawTopicMessages(
  d: Drawing,
  { flavour, next, grouped, large }: TopicOptions,
  { name, preparedTimeoutSeconds }: PlannedTopic,
): PlannedTopicMessage[] {
  const plain = (): PlannedTopicMessage => ({
    number: next(),
    chars: d.chance(large) ? 1200 : 0,
    ...defined({ subject: d.pick(subjects), kind: d.pick(kinds) }),
  });
  if (preparedTimeoutSeconds !== null && d.chance(flavour === 'prepared' ? 0.7 : 0.2)) {
    return Array.from({ length: d.pick([1, 1, 2]) }, () => ({
      ...plain(),
      ...(d.chance(0.2) ? drawWait(d) : {}),
      prepared: true as const,
    }));
  }
  const count = flavour === 'wide' ? d.pick([1, 1, 2]) : d.pick([1, 1, 2, 3, 12]);
  const group = d.chance(grouped) ? { group: `${name}-group-${d.whole(2)}` } : undefined;
  if (flavour === 'keyed' && d.chance(0.7)) return drawKeyedMessages(d, name, plain, group);
  const priority = group === undefined && d.chance(0.15) ? { priority: d.whole(3) } : {};
  const isDelayed = d.chance(0.2);
  return Array.from({ length: count }, () => ({
    ...plain(),
    ...group,
    ...priority,
    ...(isDelayed && d.chance(0.7) ? drawWait(d) : {}),
  }));
}

/** Each message under an own id or a key is a row of its own: large batches do not fit into one transaction. */
function drawKeyedMessages(
  d: Drawing,
  topic: string,
  plain: () => PlannedTopicMessage,
  group: { group: string } | undefined,
): PlannedTopicMessage[] {
  const isLarge = d.chance(0.4);
  const messages = Array.from({ length: isLarge ? 25 + d.whole(20) : d.pick([1, 1, 2, 3]) }, (_, index) => ({
    ...plain(),
    ...(d.chance(0.8)
      ? { id: `${topic}-own-${isLarge ? index : d.whole(3)}`, ...(d.chance(0.5) ? group : {}) }
      : { dedupKey: `${topic}-key-${d.whole(2)}` }),
    ...(d.chance(0.2) ? drawWait(d) : {}),
  }));
  return group && d.chance(0.6) ? [...messages, { ...plain(), ...group }] : messages;
}
