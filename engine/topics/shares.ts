/** Which messages of a publish go to which subscriptions, and how many writes that takes. */

import { deflateInRowMax } from '../model/content-codec.ts';
import { groupBy } from '../model/group-by.ts';
import type { SubscriptionRecord } from '../model/topic-record.ts';
import { groupParcelsOf } from '../publish/group-writes.ts';
import { inParcels, shareable } from '../publish/parcels.ts';
import { compileMatcher, type Matcher } from './matching.ts';
import type { TopicMessage } from './topic-message.ts';

/** The messages that one subscription gets, in the order of the call. */
export interface Share {
  subscription: SubscriptionRecord;
  messages: readonly TopicMessage[];
}

/** Writes of one subscription's share, at most: with a publication's own two writes they fit into one transaction. */
export const shareWritesMax = 97;
/** A message needs three writes at most: its row, its marker, and the row of its group. */
const messagesPerRound = Math.floor(shareWritesMax / 3);

/** Each change makes a new record, so what was compiled for one never gets outdated. */
const matchers = new WeakMap<SubscriptionRecord, Matcher>();

function matcherOf(subscription: SubscriptionRecord): Matcher {
  const known = matchers.get(subscription) ?? compileMatcher(subscription);
  matchers.set(subscription, known);
  return known;
}

/** The shares of those subscriptions that match at least one message. */
export function sharesOf(subscriptions: readonly SubscriptionRecord[], messages: readonly TopicMessage[]): Share[] {
  return subscriptions.flatMap((subscription) => {
    const matcher = matcherOf(subscription);
    const matching = messages.filter(({ candidate }) => matcher.matches(candidate));
    return matching.length === 0 ? [] : [{ subscription, messages: matching }];
  });
}

/** Counts the writes of shares. A share of the same messages is counted once. */
export function createWriteCounts(): (messages: readonly TopicMessage[]) => number {
  const known = new Map<string, number>();
  return (messages) => {
    const key = messages.map(({ index }) => index).join();
    const writes = known.get(key) ?? writesOf(messages);
    known.set(key, writes);
    return writes;
  };
}

/** How many rows the messages need in one queue. */
function writesOf(messages: readonly TopicMessage[]): number {
  const { parcels, groups, own } = rowsOf(messages);
  const markers = messages.filter(({ group, once }) => group !== undefined && once !== undefined).length;
  return parcels.length + own.length + markers + [...groups.values()].reduce((sum, ofGroup) => sum + ofGroup.length + 1, 0);
}

/** The messages that share rows in a queue, those that have a row of their own, and the parcels of each group. */
export interface ShareRows {
  parcels: TopicMessage[][];
  own: TopicMessage[];
  groups: Map<string, TopicMessage[][]>;
}

/**
 * Divides messages into rows. Every queue gets the same rows, so they can be counted without the settings of the queues. Therefore
 * messages that state no delay share no row with those that state the delay of the queue.
 */
export function rowsOf(messages: readonly TopicMessage[]): ShareRows {
  const inGroup = messages.filter(({ group }) => group !== undefined);
  const others = messages.filter(({ group }) => group === undefined);
  const shared = others.filter(({ once }) => once === undefined);
  return {
    parcels: shareable(shared).flatMap(topicParcels),
    own: others.filter(({ once }) => once !== undefined),
    groups: new Map(
      [...groupBy(inGroup, ({ group }) => group!)].map(([name, members]) => [name, groupParcelsOf(members, topicParcels)]),
    ),
  };
}

/** Messages in parcels, in order. A large message is alone in one, so that all queues share its body, whatever else they get. */
function topicParcels(messages: readonly TopicMessage[]): TopicMessage[][] {
  const runs: TopicMessage[][] = [];
  let wasLarge = true;
  for (const message of messages) {
    const isLarge = message.encoded.length > deflateInRowMax;
    if (isLarge || wasLarge) runs.push([message]);
    else runs.at(-1)!.push(message);
    wasLarge = isLarge;
  }
  return runs.flatMap(inParcels);
}

/**
 * Divides the messages of a call into lists that are published one after the other. In a list no id and no key is repeated, and
 * a subscription that gets the whole list needs at most `shareWritesMax` writes. A group keeps its order.
 */
export function roundsOf(messages: readonly TopicMessage[]): TopicMessage[][] {
  const times = new Map<string, number>();
  const round = ({ id, once }: TopicMessage) => {
    const earlier = once === undefined ? 0 : (times.get(id) ?? 0);
    if (once !== undefined) times.set(id, earlier + 1);
    return earlier;
  };
  return [...groupBy(messages, round).values()].flatMap((list) => {
    if (writesOf(list) <= shareWritesMax) return [list];
    const count = Math.ceil(list.length / messagesPerRound);
    return Array.from({ length: count }, (_, index) => list.slice(index * messagesPerRound, (index + 1) * messagesPerRound));
  });
}
