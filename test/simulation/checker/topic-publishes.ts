/**
 * Publishes to topics, and the copies of their messages that subscriptions get: each copy counts as published to the queue of its
 * subscription, so that it is judged like any other message there.
 */
import type { PublishEntry, TopicEntry } from '../../../contract/contract.ts';
import type { Call, Transaction } from '../run/history.ts';
import { bodyKey } from './content.ts';
import { idBefore } from './ids.ts';
import { type CallOf, callsOf, endOf, mayBeDone, type Outcome, outcomeOf, outcomeOfEntry } from './outcomes.ts';
import type { Reached, Span, Subscriptions } from './subscriptions.ts';

/** Writes that certainly fit into one transaction beside those of a fan-out. A message needs two at most. */
const writesMax = 97;
/** The same for entries of a caller's transaction. */
const itemsMax = 50;
const writesPerMessage = 2;

type Decision = CallOf<'commitPublication' | 'rollbackPublication'>;
type Published = { id?: string; subscriptions?: number; duplicate?: true };

/** One message of a publish to a topic that may have taken effect. */
export interface TopicPublish {
  topic: string;
  entry: TopicEntry;
  /** The id that was answered or is known before; undefined if the answer was lost. */
  id: string | undefined;
  outcome: Outcome<Published>;
  span: Span;
  /** The call that published it, or its commit. */
  call: Call;
  reached: readonly Reached[];
}

/** A prepared publish, and the calls that may have decided it. */
export interface Publication {
  topic: string;
  id: string;
  entry: TopicEntry;
  published: CallOf<'publishToTopic'>;
  commits: CallOf<'commitPublication'>[];
  rollbacks: CallOf<'rollbackPublication'>[];
  refusals: Decision[];
}

export interface TopicPublishes {
  all: readonly TopicPublish[];
  publications: readonly Publication[];
  /** Every message that a call named, whatever became of it, by topic and body. */
  named: ReadonlyMap<string, TopicEntry>;
  subscriptions: Subscriptions;
}

/** The copy of a message that a topic delivered. */
export function isOfTopic({ attributes }: Pick<PublishEntry, 'attributes'>): boolean {
  return attributes?.topic !== undefined;
}

export const namedKey = (topic: string, entry: Pick<PublishEntry, 'body' | 'bodyBase64'>) => `${topic} ${bodyKey(entry)}`;

export function topicPublishesOf(
  calls: readonly Call[],
  transactions: readonly Transaction[],
  subscriptions: Subscriptions,
): TopicPublishes {
  const named = new Map<string, TopicEntry>();
  const all: Omit<TopicPublish, 'reached'>[] = [];
  const publications = new Map<string, Publication>();
  for (const call of callsOf(calls, 'publishToTopic')) {
    const { topic } = call.params;
    const { messages } = call.input;
    const whole = outcomeOf<'publishToTopic'>(call);
    messages.forEach((entry, index) => {
      named.set(namedKey(topic, entry), entry);
      const outcome = outcomeOfEntry(whole, index);
      if (outcome !== 'uncertain' && 'refused' in outcome) return;
      const id = (outcome === 'uncertain' ? undefined : outcome.done.id) ?? idBefore(entry);
      if (!entry.prepared) {
        const times = { from: call.startedAt, to: endOf(call), isDone: outcome !== 'uncertain' };
        const span = spanOf(subscriptions, topic, messages.length, times, writesMax);
        all.push({ topic, entry, id, outcome, span, call });
      } else if (id !== undefined) {
        publications.set(`${topic} ${id}`, { topic, id, entry, published: call, commits: [], rollbacks: [], refusals: [] });
      }
    });
  }
  noteDecisions(calls, publications);
  for (const publication of publications.values()) all.push(...committed(subscriptions, publication));
  for (const { topicPublishes = [], applied, endedAt, process } of transactions) {
    for (const { topic, messages, ids, takenAt, answeredAt } of topicPublishes) {
      const call = { operation: 'topicPublishItems', process, params: { topic }, input: { messages } } as const;
      const made = { ...call, startedAt: takenAt, endedAt, answer: { output: { items: [], ids } } } as Call;
      const times = { from: takenAt, to: answeredAt, isDone: true };
      const span = spanOf(subscriptions, topic, messages.length, times, itemsMax);
      // Its messages are there when the transaction is.
      const outBy = Math.max(span.outBy, endedAt ?? Number.POSITIVE_INFINITY);
      messages.forEach((entry, index) => {
        named.set(namedKey(topic, entry), entry);
        const id = ids[index]!;
        if (applied) all.push({ topic, entry, id, outcome: { done: { id } }, span: { ...span, outBy }, call: made });
      });
    }
  }
  return {
    all: all.map((one) => ({ ...one, reached: subscriptions.reached(one.topic, one.entry, one.span) })),
    publications: [...publications.values()],
    named,
    subscriptions,
  };
}

function spanOf(
  { most }: Subscriptions,
  topic: string,
  messages: number,
  { from, to, isDone }: { from: number; to: number; isDone: boolean },
  transactionMax: number,
): Span {
  const mayBeLarge = messages * most(topic, to) * writesPerMessage > transactionMax;
  return { from, to, outBy: mayBeLarge || !isDone ? Number.POSITIVE_INFINITY : to };
}

function noteDecisions(calls: readonly Call[], publications: ReadonlyMap<string, Publication>): void {
  for (const call of [...callsOf(calls, 'commitPublication'), ...callsOf(calls, 'rollbackPublication')]) {
    const publication = publications.get(`${call.params.topic} ${call.params.id}`);
    if (!publication) continue;
    if (!mayBeDone(call)) publication.refusals.push(call);
    else if (call.operation === 'commitPublication') publication.commits.push(call);
    else publication.rollbacks.push(call);
  }
}

/** A commit publishes the message, to the subscriptions that there are then. The first of several counts. */
function committed(subscriptions: Subscriptions, { topic, id, entry, commits }: Publication): Omit<TopicPublish, 'reached'>[] {
  const [first] = commits;
  if (!first) return [];
  const answered = commits.filter(({ answer }) => 'output' in answer);
  const from = Math.min(...commits.map(({ startedAt }) => startedAt));
  const to = Math.min(Number.POSITIVE_INFINITY, ...answered.map(endOf));
  const span = spanOf(subscriptions, topic, 1, { from, to, isDone: answered.length > 0 }, writesMax);
  const outcome: Outcome<Published> = answered.length > 0 ? { done: { id } } : 'uncertain';
  return [{ topic, entry, id, outcome, span, call: answered[0] ?? first }];
}

/** A publish into the queue of a subscription. `answeredAt`: when the publish to the topic was answered. */
export type CopyPublish = CallOf<'publish'> & { answeredAt?: number | undefined };

/** The copies, as publishes to the queues. */
export function copiesOf({ all }: TopicPublishes, calls: readonly Call[]): CopyPublish[] {
  const publicationOf = seenPublications(calls);
  const ofId = Map.groupBy(
    all.filter(({ entry }) => idBefore(entry) !== undefined),
    ({ topic, entry }) => `${topic} ${idBefore(entry)}`,
  );
  const ofCall = Map.groupBy(all, ({ call }) => call);
  return [...ofCall.values()].flatMap((publishes) => {
    const byQueue = Map.groupBy(
      publishes.flatMap((publish) => publish.reached.map((reached) => ({ publish, reached }))),
      ({ reached }) => reached.queue,
    );
    return [...byQueue].map(([queue, copies]): CopyPublish => {
      const each = [...Map.groupBy(copies, ({ publish }) => publish)].map(([publish, list]) => {
        const certain = list.some(({ reached }) => reached.certain);
        const seenAs = publicationOf.get(namedKey(publish.topic, publish.entry));
        const others = ofId.get(`${publish.topic} ${idBefore(publish.entry)}`) ?? [];
        return copyOf(publish, queue, certain, seenAs, others);
      });
      const [{ span, call }] = publishes as [TopicPublish, ...TopicPublish[]];
      const outBy = Math.max(...publishes.map((one) => one.span.outBy));
      return {
        operation: 'publish',
        process: call.process,
        params: { queue },
        input: { messages: each.map(({ entry }) => entry) },
        answer: { output: { results: each.map(({ result }) => result) } },
        startedAt: span.from,
        endedAt: Number.isFinite(outBy) ? outBy : undefined,
        answeredAt: Number.isFinite(span.to) ? span.to : undefined,
      } as CopyPublish;
    });
  });
}

/** The publications that received copies name, by topic and body: the id of a publish without an answer is not known otherwise. */
function seenPublications(calls: readonly Call[]): Map<string, string> {
  const seen = new Map<string, string>();
  for (const call of callsOf(calls, 'receive')) {
    for (const message of 'output' in call.answer ? call.answer.output.messages : []) {
      const { topic, publication } = message.attributes;
      if (typeof topic === 'string' && typeof publication === 'string') seen.set(namedKey(topic, message), publication);
    }
  }
  return seen;
}

/** `others`: all publishes under its own id or its key. */
function copyOf(
  publish: TopicPublish,
  queue: string,
  certain: boolean,
  seenAs: string | undefined,
  others: readonly TopicPublish[],
): { entry: PublishEntry; result: object } {
  const { topic, entry, id, outcome, span, reached } = publish;
  const { subject, prepared: _, attributes, ...rest } = entry;
  const publication = id ?? seenAs;
  const copy: PublishEntry = {
    ...rest,
    ...(entry.id === undefined ? {} : { id: qualified(entry.id, queue) }),
    ...(entry.dedupKey === undefined ? {} : { dedupKey: qualified(entry.dedupKey, queue) }),
    attributes: {
      ...attributes,
      topic,
      ...(publication === undefined ? {} : { publication }),
      ...(subject === undefined ? {} : { subject }),
    },
  };
  const uncertain = { entry: copy, result: { ok: false, code: 'unavailable', message: '' } };
  const own = idBefore(copy);
  // What one queue has got, every queue gets.
  const isDone = outcome !== 'uncertain' || (own === undefined && seenAs !== undefined);
  if (!certain || !isDone) return uncertain;
  if (own === undefined) return { entry: copy, result: { ok: true } };
  const { duplicate = undefined } = outcome !== 'uncertain' && 'done' in outcome ? outcome.done : {};
  if (duplicate) return { entry: copy, result: { ok: true, id: own, duplicate } };
  // Some subscriptions may have had a message of the id already, or get a later one before the messages of this publish go out.
  const isFirst = others.every((other) => other === publish || other.span.from > span.outBy);
  const counted = outcome !== 'uncertain' && 'done' in outcome ? outcome.done.subscriptions : undefined;
  const isOnly = reached.length === 1 && counted === 1 && Number.isFinite(span.outBy);
  return isFirst || isOnly ? { entry: copy, result: { ok: true, id: own } } : uncertain;
}

/** The own id of a message, or its key, with the queue of the copy: every subscription has one of that id. */
function qualified(id: string, queue: string): string {
  return `${id}|${queue}`;
}

/** The calls, in which each copy with an own id or a key has the id that `copiesOf` gives it. Such copies are never moved. */
export function withQualifiedIds(calls: readonly Call[], { named }: Pick<TopicPublishes, 'named'>): readonly Call[] {
  const ids = new Set([...named.values()].flatMap((entry) => idBefore(entry) ?? []));
  if (ids.size === 0) return calls;
  const changed = (id: string, queue: string) => (ids.has(id) ? qualified(id, queue) : id);
  return calls.map((call): Call => {
    switch (call.operation) {
      case 'receive':
      case 'peek': {
        if (!('output' in call.answer)) return call;
        const messages = call.answer.output.messages.map((message) => ({
          ...message,
          id: changed(message.id, call.params.queue),
        }));
        return { ...call, answer: { output: { ...call.answer.output, messages } } } as Call;
      }
      case 'getMessage':
      case 'cancelMessage':
      case 'releaseMessage':
      case 'updateMessage': {
        const { queue, id } = call.params;
        return { ...call, params: { queue, id: changed(id, queue) } } as Call;
      }
      default:
        return call;
    }
  });
}
