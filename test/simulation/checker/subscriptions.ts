/** What a history says about the subscriptions of topics: which of them a message must reach, and which it may reach. */
import type { TopicEntry } from '../../../contract/contract.ts';
import { settingsCacheMs } from '../../../contract/limits.ts';
import type { Call } from '../run/history.ts';
import { type CallOf, callsOf, endOf, mayBeDone } from './outcomes.ts';
import { matchesTerms, type Terms } from './terms.ts';

/** When a publish to a topic took place. True times, ms. */
export interface Span {
  from: number;
  /** Until when it chose its subscriptions; infinite without an answer. */
  to: number;
  /** Until when its messages may still go out. */
  outBy: number;
}

/** A subscription that a message may reach. */
export interface Reached {
  name: string;
  queue: string;
  certain: boolean;
}

type Add = CallOf<'subscribe'>;
type Change = Add | CallOf<'updateSubscription'>;
type End = CallOf<'unsubscribe' | 'deleteTopic'>;

/** The calls that may have taken effect on the subscriptions of one name. */
interface Record {
  adds: Add[];
  changes: Change[];
  ends: End[];
}

export interface Subscriptions {
  /** The subscriptions that a message may reach. */
  reached(topic: string, message: TopicEntry, span: Span): Reached[];
  /** Whether a subscription that delivered into the queue has certainly ended, and no other does. */
  hasEnded(topic: string, queue: string, span: Span): boolean;
  /** How many subscriptions the topic may have had by then. */
  most(topic: string, by: number): number;
}

export function subscriptionsOf(calls: readonly Call[], clockErrorMs: number): Subscriptions {
  const topics = new Map<string, Map<string, Record>>();
  const recordOf = (topic: string, name: string): Record => {
    const ofTopic = topics.get(topic) ?? new Map<string, Record>();
    const record = ofTopic.get(name) ?? { adds: [], changes: [], ends: [] };
    topics.set(topic, ofTopic.set(name, record));
    return record;
  };
  for (const call of callsOf(calls, 'subscribe').filter(mayBeDone)) {
    const record = recordOf(call.params.topic, call.params.subscription);
    record.adds.push(call);
    record.changes.push(call);
  }
  for (const call of callsOf(calls, 'updateSubscription').filter(mayBeDone))
    recordOf(call.params.topic, call.params.subscription).changes.push(call);
  for (const call of callsOf(calls, 'unsubscribe').filter(mayBeDone))
    recordOf(call.params.topic, call.params.subscription).ends.push(call);
  for (const call of callsOf(calls, 'deleteTopic').filter(mayBeDone))
    for (const record of topics.get(call.params.topic)?.values() ?? []) record.ends.push(call);

  const isCertain = ({ answer }: Call) => 'output' in answer;
  /** Whether what a call did had certainly ended before the publish. */
  const isOver = ({ ends }: Record, call: Call, { from }: Span) =>
    ends.some((end) => isCertain(end) && end.startedAt > endOf(call) && endOf(end) < from);
  const addsIn = (record: Record, span: Span) =>
    record.adds.filter((add) => add.startedAt <= span.to && !isOver(record, add, span));

  /** Terms that may be in force while the messages go out. */
  function termsIn(record: Record, span: Span): Terms[] {
    const certain = record.changes.filter(isCertain);
    // Each process follows a change within the life of its cache.
    const isReplaced = (change: Change) =>
      certain.some((later) => later.startedAt > endOf(change) && endOf(later) + settingsCacheMs + 2 * clockErrorMs < span.from);
    return record.changes
      .filter((change) => change.startedAt <= span.outBy && !isOver(record, change, span) && !isReplaced(change))
      .map(termsOf);
  }

  /** The subscribe that certainly made a subscription which is there for as long as the messages go out. */
  function lastingAdd({ adds, ends }: Record, span: Span): Add | undefined {
    return adds.find((add) => {
      if (!isCertain(add) || endOf(add) >= span.from) return false;
      if (ends.some((end) => endOf(end) >= add.startedAt && end.startedAt <= span.outBy)) return false;
      return !adds.some((one) => mayExpire(one) && expiryOf(one) - 2 * clockErrorMs <= span.outBy);
    });
  }

  return {
    reached(topic, message, span) {
      return [...(topics.get(topic) ?? [])].flatMap(([name, record]) => {
        const adds = addsIn(record, span);
        if (adds.length === 0) return [];
        const matches = termsIn(record, span).map((terms) => matchesTerms(terms, message));
        if (!matches.includes(true)) return [];
        const lasting = matches.includes(false) ? undefined : lastingAdd(record, span);
        const into = lasting && queueOf(lasting);
        return [...new Set(adds.map(queueOf))].map((queue) => ({ name, queue, certain: queue === into }));
      });
    },
    hasEnded(topic, queue, span) {
      const records = [...(topics.get(topic)?.values() ?? [])];
      const delivers = (add: Add) => queueOf(add) === queue;
      const isKnown = records.some(({ adds }) => adds.some((add) => delivers(add) && add.startedAt <= span.to));
      return isKnown && !records.some((record) => addsIn(record, span).some(delivers));
    },
    most: (topic, by) =>
      [...(topics.get(topic)?.values() ?? [])].filter(({ adds }) => adds.some(({ startedAt }) => startedAt <= by)).length,
  };
}

/** The queue that a subscribe delivers into. */
export function queueOf({ params: { topic, subscription }, input: { queue } }: CallOf<'subscribe'>): string {
  return queue ?? `${topic}~${subscription}`;
}

export function mayExpire({ input: { expiresAfterSeconds = null } }: CallOf<'subscribe'>): boolean {
  return expiresAfterSeconds !== null;
}

/** When the subscription may end by itself. */
export function expiryOf({ startedAt, input: { expiresAfterSeconds } }: CallOf<'subscribe'>): number {
  return startedAt + (expiresAfterSeconds ?? Number.POSITIVE_INFINITY) * 1000;
}

function termsOf({ input: { subject = null, filter = null, filterScope = 'attributes' } }: Change): Terms {
  return { subject, filter, filterScope };
}
