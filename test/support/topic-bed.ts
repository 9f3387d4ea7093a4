/** A topic on a driven engine, and processes that publish to it, each over a store of its own. */
import type { Json, QueueSettings, TopicEntry, TopicPublishResult } from '../../contract/contract.ts';
import { type Context, createContext } from '../../engine/context/context.ts';
import { createDeadline } from '../../engine/context/deadline.ts';
import { queueKey, readQueue } from '../../engine/model/queue-record.ts';
import {
  readTopic,
  type SubscriptionRecord,
  subscriptionKey,
  subscriptionRow,
  topicKey,
  topicRow,
} from '../../engine/model/topic-record.ts';
import { publishPending } from '../../engine/operations/publish.ts';
import { topicPublishItems } from '../../engine/operations/topic-publish.ts';
import type { Store } from '../../engine/port/port.ts';
import { seededRandom } from '../../engine/port/random.ts';
import { createAwakeStore } from '../../engine/queues/awake-store.ts';
import { sweepPublications } from '../../engine/sweep/publications.ts';
import { commitPublication, rollbackPublication } from '../../engine/topics/prepared-publications.ts';
import { publishToTopic, topicOf } from '../../engine/topics/publish-topic.ts';
import type { DrivenEngine } from './driven-engine.ts';
import { hourMs } from './durations.ts';

let seeds = 1000;

export function topicProcess(driven: DrivenEngine, over: Store = driven.spy.store, endsIn?: number) {
  const ctx: Context = createContext({
    store: createAwakeStore(over, () => ctx),
    clock: driven.clock,
    random: seededRandom(seeds++),
    observe: (event) => driven.events.push(event),
    transactionItem: driven.transactionItem,
  });
  const timed = () => (endsIn === undefined ? ctx : { ...ctx, lastTryAt: driven.clock.now() + endsIn });
  return {
    ctx,
    publish: async (...entries: TopicEntry[]): Promise<TopicPublishResult[]> =>
      (await publishToTopic(timed(), 't', entries, publishPending)).results,
    items: (...entries: TopicEntry[]) => topicPublishItems(ctx, 't', entries),
    commit: async (id: string) => commitPublication(timed(), await topicOf(ctx, 't'), id),
    rollback: async (id: string) => rollbackPublication(ctx, (await topicOf(ctx, 't')).record, id),
    sweep: () => sweepPublications(ctx, createDeadline(driven.clock, driven.clock.now() + hourMs)),
  };
}

/** The queue of a subscription in these tests. */
export const queueOf = (name: string): string => `t-${name}`;

/** Creates the topic `t`, unless it exists, and subscriptions with a queue each. */
export async function subscribe(
  driven: DrivenEngine,
  subscriptions: { [name: string]: Partial<SubscriptionRecord> & { settings?: Partial<QueueSettings> } },
  preparedTimeoutSeconds: number | null = null,
): Promise<void> {
  const { spy, clock } = driven;
  const now = clock.now();
  const [row] = await spy.store.get([topicKey('t')]);
  const topic = row
    ? readTopic(row)
    : {
        name: 't',
        incarnation: 'topicinc',
        revision: 0,
        subscriptions: 0,
        filterBytes: 0,
        queueSettings: {},
        preparedTimeoutSeconds,
        createdAt: now,
        updatedAt: now,
        version: 'v0',
      };
  for (const [name, { settings, ...terms }] of Object.entries(subscriptions)) {
    const queue = queueOf(name);
    await driven.create(queue, settings);
    const [made] = await spy.store.get([queueKey(queue)]);
    topic.revision++;
    topic.subscriptions++;
    const record: SubscriptionRecord = {
      topic: 't',
      topicIncarnation: topic.incarnation,
      name,
      subject: null,
      filter: null,
      filterScope: 'attributes',
      queue,
      queueIncarnation: readQueue(made!).incarnation,
      ownsQueue: false,
      expiresAfterSeconds: null,
      fromRevision: topic.revision,
      createdAt: now,
      updatedAt: now,
      version: 'v0',
      ...terms,
    };
    await spy.store.write({ key: subscriptionKey(topic.incarnation, name), then: { put: subscriptionRow(record) } });
  }
  await spy.store.write({ key: topicKey('t'), then: { put: topicRow(topic) } });
}

/** The bodies that wait in a subscription's queue. */
export function bodiesOf(driven: DrivenEngine, name: string): Promise<unknown[]> {
  return driven.bodies(queueOf(name));
}

export const bodies = (...given: Json[]): TopicEntry[] => given.map((body) => ({ body }));
