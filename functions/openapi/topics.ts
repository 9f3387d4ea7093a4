/** The OpenAPI texts of the operations on topics and subscriptions. */
import type { ErrorCode } from '../../contract/errors.ts';
import { topicStatsExample } from './stats.ts';

const at = '2026-01-31T12:00:00.000Z';
const later = '2026-01-31T12:00:30.000Z';
const events = {
  name: 'events',
  queueSettings: { visibilityTimeoutSeconds: 60 },
  preparedTimeoutSeconds: null,
  subscriptions: 1,
  createdAt: at,
  updatedAt: at,
};
const filter = { country: ['DE', { prefix: 'A' }] };
const billing = {
  topic: events.name,
  name: 'billing',
  subject: 'orders.*.created',
  filter,
  filterScope: 'attributes' as const,
  queue: 'events~billing',
  ownsQueue: true,
  expiresAfterSeconds: null,
  createdAt: at,
  updatedAt: at,
};
const ofTopic: ErrorCode[] = ['topic_not_found'];
const ofSubscription: ErrorCode[] = ['topic_not_found', 'subscription_not_found'];
const tag = 'topics' as const;
const publication = '01kg9zt2m4q8r6s0v3x5y7z9~0';
const wait = 'The call returns after about two seconds, when no process uses an older list of subscriptions any more.';

export const topicTexts = {
  createTopic: {
    tag,
    summary: 'Create a topic',
    description:
      'A topic passes each message that is published to it to all its subscriptions that match. Creating a topic again with the same settings has no effect. With other settings it is refused with `topic_exists`: use PATCH to change settings.',
    input: { queueSettings: events.queueSettings },
    output: { ...events, subscriptions: 0 },
    refusals: ['topic_exists'] as ErrorCode[],
  },
  getTopic: { tag, summary: 'Read a topic', output: events, refusals: ofTopic },
  updateTopic: {
    tag,
    summary: "Change some of a topic's settings",
    description:
      'Settings that are left out keep their values. `queueSettings` replaces the previous ones as a whole. Queues that its subscriptions have already stay as they are.',
    input: { queueSettings: { visibilityTimeoutSeconds: 120 } },
    output: { ...events, queueSettings: { visibilityTimeoutSeconds: 120 }, updatedAt: later },
    refusals: ofTopic,
  },
  deleteTopic: {
    tag,
    summary: 'Delete a topic',
    description: `A topic with subscriptions is deleted only with \`force\`. Its subscriptions, and the queues that they own, are then removed within minutes. ${wait}`,
    output: {},
    refusals: ['topic_not_found', 'topic_in_use', 'queue_in_use'] as ErrorCode[],
  },
  listTopics: {
    tag,
    summary: 'List the topics that the key covers',
    description:
      'A page may be shorter than `limit` and still have a cursor. With `lastHour`, the call reads the statistics of each topic of the page.',
    output: { topics: [events] },
    refusals: [] as ErrorCode[],
  },
  topicStats: {
    tag,
    summary: 'Read what was published to a topic, in steps of ten minutes or more',
    description:
      'The counts are for people, not for accounting: each process reports once a minute, and one that dies takes its last minute with it. Statistics are kept for 30 days. Those of a subscription are those of its queue.',
    output: { points: [topicStatsExample] },
    refusals: ofTopic,
  },
  subscribe: {
    tag,
    summary: 'Subscribe to a topic, with a queue of its own or on an existing queue',
    description: `Without \`queue\`, the subscription owns a queue named \`topic~subscription\`, from which you receive as from any queue. Subscribing again with the same terms has no effect. With other terms it is refused with \`subscription_exists\`. Each message that is published after the answer reaches the subscription, if it matches. ${wait}`,
    input: { subject: billing.subject, filter, settings: { visibilityTimeoutSeconds: 120 } },
    output: billing,
    refusals: ['topic_not_found', 'subscription_exists'] as ErrorCode[],
  },
  getSubscription: {
    tag,
    summary: 'Read a subscription with the counts of its queue',
    output: {
      ...billing,
      counts: { ready: 12, delayed: 3, leased: 4, dead: 0, prepared: 0, oldestAgeSeconds: 1.5, atLeast: false },
    },
    refusals: ofSubscription,
  },
  updateSubscription: {
    tag,
    summary: 'Change some terms of a subscription',
    description:
      'Terms that are left out keep their values. A change is in force within two seconds of the answer. Change the settings of its queue by PATCH of the queue.',
    input: { subject: 'orders.>' },
    output: { ...billing, subject: 'orders.>', updatedAt: later },
    refusals: ofSubscription,
  },
  unsubscribe: {
    tag,
    summary: 'Delete a subscription, and the queue that it owns with its messages',
    description: `No message that is published after the answer reaches it. ${wait}`,
    output: {},
    refusals: ['topic_not_found', 'subscription_not_found', 'queue_in_use'] as ErrorCode[],
  },
  listSubscriptions: {
    tag,
    summary: 'List the subscriptions of a topic by name',
    description: 'A page may be shorter than `limit` and still have a cursor.',
    output: { subscriptions: [billing] },
    refusals: ofTopic,
  },
  testSubscription: {
    tag,
    summary: 'Test whether a message would reach a subscription',
    description: 'Nothing is published. `failed` names the first condition that the message does not meet.',
    input: { body: { order: 1234 }, attributes: { country: 'FR' }, subject: 'orders.eu.created' },
    output: { matches: false, failed: { path: 'filter.country', condition: filter.country, value: 'FR' } },
    refusals: ofSubscription,
  },
  publishToTopic: {
    tag,
    summary: 'Publish 1 to 100 messages to all subscriptions that match',
    description:
      'Each message has its own result, in the order of the call, with the number of subscriptions that got it. The call returns when the messages are stored: each of these subscriptions then gets the message exactly once. Receivers find the attributes `topic`, `publication` (the id of the result) and `subject`.',
    input: { messages: [{ body: { order: 1234 }, attributes: { country: 'DE' }, subject: 'orders.eu.created' }] },
    output: { results: [{ ok: true as const, id: publication, subscriptions: 2 }] },
    refusals: ofTopic,
  },
  topicPublishItems: {
    tag,
    summary: 'Make entries that publish messages to a topic in your own transaction',
    description:
      'This call publishes nothing itself. Put the entries into your own TransactWriteItems within a minute. If one message cannot be published, the whole call is refused. If the messages need more than 50 entries, a few entries take their place, and subscriptions get the messages within about a minute after the commit.',
    input: { messages: [{ body: { order: 1234 }, subject: 'orders.eu.created' }] },
    output: {
      items: [
        {
          Put: {
            TableName: 'dumbwaiter-messages',
            Item: { shard: { S: '7m2k9q4t:0' }, id: { S: '01kg9zt2m4q8r6s0v3x5y7z9' }, count: { N: '1' } },
          },
        },
      ],
      ids: [publication],
    },
    refusals: ofTopic,
  },
  commitPublication: {
    tag,
    summary: 'Commit a prepared publish, so that all subscriptions that match now get it',
    description: 'Committing again has no effect. For an hour after a rollback, a commit is refused with `message_rolled_back`.',
    output: {},
    refusals: ['topic_not_found', 'publication_not_found', 'message_rolled_back'] as ErrorCode[],
  },
  rollbackPublication: {
    tag,
    summary: 'Roll back a prepared publish: no subscription gets it',
    description: 'Rolling back again has no effect. A publish that is committed is refused.',
    output: {},
    refusals: ['topic_not_found', 'publication_not_found', 'message_committed'] as ErrorCode[],
  },
};
