/**
 * Topics with their subscriptions, read through a cache. After `settingsCacheMs`, every process follows a change.
 * The subscriptions, of which a topic may have megabytes, are read again only if the topic's revision changed.
 */
import { clockMarginMs, settingsCacheMs } from '../../contract/limits.ts';
import {
  readSubscription,
  readTopic,
  type SubscriptionRecord,
  subscriptionsOf,
  type TopicRecord,
  topicKey,
} from '../model/topic-record.ts';
import { isRecent } from '../port/copy-age.ts';
import { pagesOf } from '../port/pages.ts';
import type { Clock, Store } from '../port/port.ts';

/** How long a copy is used, by the clock. That is at most `settingsCacheMs` of true time, even if the clock is set back in between. */
export const topicCacheMs = settingsCacheMs - 2 * clockMarginMs;

export interface CachedTopic {
  record: TopicRecord;
  /** In order of name. All of them have a `fromRevision` that is at most the record's revision. */
  subscriptions: readonly SubscriptionRecord[];
}

interface Load {
  readAt: number;
  topic: Promise<CachedTopic | undefined>;
}

export function createTopics(store: Store, clock: Clock) {
  /** The latest read of each topic, perhaps still running: calls that need it at the same time share it. */
  const loads = new Map<string, Load>();
  /** The latest list of subscriptions, also of a topic that must be read again. */
  const lists = new Map<string, CachedTopic>();

  const isFresh = ({ readAt }: Load) => isRecent(readAt, clock.now(), topicCacheMs);

  async function read(name: string): Promise<CachedTopic | undefined> {
    const [row] = await store.get([topicKey(name)]);
    if (!row) {
      lists.delete(name);
      return undefined;
    }
    const record = readTopic(row);
    const known = lists.get(name);
    const isSame = known?.record.incarnation === record.incarnation && known.record.revision === record.revision;
    const topic = { record, subscriptions: isSame ? known.subscriptions : await list(record) };
    lists.set(name, topic);
    return topic;
  }

  /**
   * The list is read after the topic, so it may be newer than the topic's revision. What a later revision added is left out: the
   * call that added it has not been answered yet.
   */
  async function list(record: TopicRecord): Promise<SubscriptionRecord[]> {
    const found: SubscriptionRecord[] = [];
    for await (const rows of pagesOf(store, { ...subscriptionsOf(record), limit: 1000 })) {
      found.push(...rows.map(readSubscription).filter(({ fromRevision }) => fromRevision <= record.revision));
    }
    return found;
  }

  return {
    /**
     * The topic and its subscriptions; a cached copy is at most `settingsCacheMs` old. Undefined if the topic does not exist. It
     * shows every change that was written `settingsCacheMs` before this call.
     */
    async find(name: string): Promise<CachedTopic | undefined> {
      const last = loads.get(name);
      const load = last && isFresh(last) ? last : { readAt: clock.now(), topic: read(name) };
      if (load !== last) loads.set(name, load);
      const drop = () => {
        if (loads.get(name) === load) loads.delete(name);
      };
      try {
        const topic = await load.topic;
        // An unknown topic is not cached, so that it is usable as soon as it is created.
        if (!topic) drop();
        return topic;
      } catch (error) {
        drop();
        throw error;
      }
    },
    forget(name: string): void {
      loads.delete(name);
    },
  };
}

export type Topics = ReturnType<typeof createTopics>;
