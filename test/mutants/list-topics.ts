/** Mutants of topics and their subscriptions. */
import type { Mutant } from './mutant.ts';

const races = ['test/engine/subscription-races.test.ts'];
const ends = ['test/engine/subscription-ends.test.ts'];
const cache = ['test/unit/context/topics-cache.test.ts'];

export const topics: readonly Mutant[] = [
  {
    name: 'a subscribe answers before every process sees the subscription',
    file: 'engine/operations/subscriptions.ts',
    find: 'if (ctx.clock.now() < record.createdAt + arrivedMs + settingsCacheMs) await',
    replace: 'if (ctx.clock.now() < record.createdAt - arrivedMs - settingsCacheMs) await',
    tests: races,
  },
  {
    name: 'an unsubscribe answers while another process may still publish to the subscription',
    file: 'engine/operations/subscriptions.ts',
    find: '  await ctx.clock.sleep(settingsCacheMs);\n  return {};',
    replace: '  return {};',
    tests: races,
  },
  {
    name: 'a topic is deleted while another process may still publish to it',
    file: 'engine/operations/topics.ts',
    find: '  await ctx.clock.sleep(settingsCacheMs);\n',
    replace: '',
    tests: races,
  },
  {
    name: 'two changes of one topic do not exclude each other',
    file: 'engine/topics/change-subscription.ts',
    find: 'when: unchanged(topic), then: { put: topicRow(next) }',
    replace: "when: { exists: ['name'] }, then: { put: topicRow(next) }",
    tests: races,
  },
  {
    name: 'a change of the subscriptions leaves the revision of the topic',
    file: 'engine/topics/change-subscription.ts',
    find: 'revision: topic.revision + 1,',
    replace: 'revision: topic.revision,',
    tests: races,
  },
  {
    name: 'an unsubscribe whose answer was lost says that there is no such subscription',
    file: 'engine/topics/change-subscription.ts',
    find: 'answerLost ||= result === undefined;',
    replace: 'answerLost ||= false;',
    tests: races,
  },
  {
    name: 'a subscription to a queue takes back a change of its settings at the same time',
    file: 'engine/topics/change-subscription.ts',
    find: 'when: unchanged(before), then: { put: queueRow(next) }',
    replace: "when: { exists: ['name'] }, then: { put: queueRow(next) }",
    tests: races,
  },
  {
    name: 'a topic is deleted without force although a subscription came to it at the same time',
    file: 'engine/topics/topic-rows.ts',
    find: "{ key: topicKey(name), when: { equals: [['version'], topic.version] }, then: { remove: true } }",
    replace: "{ key: topicKey(name), when: { exists: ['version'] }, then: { remove: true } }",
    tests: races,
  },
  {
    name: 'a list of subscriptions is kept for a topic of another revision',
    file: 'engine/context/topics-cache.ts',
    find: ' && known.record.revision === record.revision',
    replace: '',
    tests: cache,
  },
  {
    name: 'a list of subscriptions shows one that its revision does not have',
    file: 'engine/context/topics-cache.ts',
    find: '.filter(({ fromRevision }) => fromRevision <= record.revision)',
    replace: '',
    tests: cache,
  },
  {
    name: 'a publish shares a read of its topic that began too long ago',
    file: 'engine/context/topics-cache.ts',
    find: 'isRecent(readAt, clock.now(), topicCacheMs)',
    replace: 'isRecent(readAt, clock.now(), topicCacheMs + 1)',
    tests: cache,
  },
  {
    name: 'a subscription ends sooner than its time after a receive',
    file: 'engine/queues/last-receive.ts',
    find: '(seconds * 1000 * 5) / 4 + 2 * clockMarginMs',
    replace: 'seconds * 1000 + 2 * clockMarginMs',
    tests: ends,
  },
  {
    name: 'a subscription ends although a receive came first',
    file: 'engine/queues/creation.ts',
    find: "when: { equals: [['version'], version] }",
    replace: "when: { exists: ['version'], ...(version ? {} : {}) }",
    tests: ends,
  },
];
