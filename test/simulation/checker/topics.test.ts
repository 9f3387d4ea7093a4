/** Histories with topics, written by hand: those that break a promise about topics, and those that nearly do. */
import type { SubscriptionInput, TopicEntry, TopicPublishResult } from '../../../contract/contract.ts';
import type { ErrorCode } from '../../../contract/errors.ts';
import { instant, type Story } from '../report/story.ts';
import { judgesEach } from './cases.ts';
import { ofTopics } from './promises.ts';

type Span = [from: number, to: number];

/** The topic `t`, which has a timeout for prepared publishes. */
function topic(s: Story): void {
  const times = { createdAt: instant(0), updatedAt: instant(0) };
  const settings = { queueSettings: {}, preparedTimeoutSeconds: 600 };
  s.call('createTopic', [0, 0], { topic: 't' }, settings, { name: 't', ...settings, subscriptions: 0, ...times });
}

function subscribe(s: Story, span: Span, subscription: string, input: SubscriptionInput = {}): void {
  s.call('subscribe', span, { topic: 't', subscription }, input, {} as never);
}

function change(s: Story, span: Span, subscription: string, subject: string, given?: 'lost'): void {
  const terms = { subject, filter: null, filterScope: 'attributes' } as const;
  s.call('updateSubscription', span, { topic: 't', subscription }, terms, given ?? ({} as never));
}

function unsubscribe(s: Story, span: Span, subscription: string, given?: ErrorCode | 'lost'): void {
  s.call('unsubscribe', span, { topic: 't', subscription }, {}, given ?? {});
}

/** Publishes `m`. */
function publish(s: Story, span: Span, given: Partial<TopicPublishResult> | 'lost', entry: TopicEntry = { body: 'm' }): void {
  const result = { ok: true, id: entry.id ?? 'p', ...(given as object) } as TopicPublishResult;
  s.call('publishToTopic', span, { topic: 't' }, { messages: [entry] }, given === 'lost' ? given : { results: [result] });
}

/** Receives a copy of `m`, and acks it. */
function receive(
  s: Story,
  at: number,
  queue: string,
  { id = `in ${queue}`, publication = 'p', subject = '', kind = '' } = {},
): void {
  const attributes = { topic: 't', publication, ...(subject && { subject }), ...(kind && { kind }) };
  const receipt = `${id} at ${at}`;
  s.receive([at, at + 1], id, receipt, at + 61, { body: 'm', attributes, publishedAt: instant(10) }, queue);
  s.ack([at + 2, at + 3], receipt, { ok: true }, queue);
}

const subscribed = (s: Story, ...names: string[]) => {
  topic(s);
  for (const name of names) subscribe(s, [1, 3], name);
};
const drained = { drainedAt: 1000 };

judgesEach(ofTopics, {
  'every-subscription-once': [
    [
      'a copy that one of two subscriptions never gets',
      (s) => {
        subscribed(s, 'a', 'b');
        publish(s, [10, 10], { subscriptions: 2 });
        receive(s, 20, 't~a');
      },
      (s) => {
        subscribed(s, 'a', 'b');
        publish(s, [10, 10], { subscriptions: 2 });
        receive(s, 20, 't~a');
        unsubscribe(s, [15, 17], 'b');
      },
      drained,
    ],
    [
      'a copy that is lost, although the deletion of its topic was refused',
      (s) => {
        subscribed(s, 'a', 'b');
        publish(s, [10, 10], { subscriptions: 2 });
        receive(s, 20, 't~a');
        s.call('deleteTopic', [25, 27], { topic: 't' }, {}, 'topic_in_use');
      },
      // An earlier request of the call has deleted the topic.
      (s) => {
        subscribed(s, 'a', 'b');
        publish(s, [10, 10], { subscriptions: 2 });
        receive(s, 20, 't~a');
        s.call('deleteTopic', [25, 27], { topic: 't' }, { force: true }, 'topic_not_found');
      },
      drained,
    ],
    [
      'a copy that is lost after the answer of a subscribe',
      (s) => {
        topic(s);
        subscribe(s, [1, 9], 'a');
        publish(s, [10, 10], { subscriptions: 1 });
      },
      (s) => {
        topic(s);
        subscribe(s, [1, 11], 'a');
        publish(s, [10, 10], { subscriptions: 1 });
      },
      drained,
    ],
    [
      'a second copy in one queue',
      (s) => {
        subscribed(s, 'a');
        publish(s, [10, 10], { subscriptions: 1 });
        receive(s, 20, 't~a', { id: 'one' });
        receive(s, 30, 't~a', { id: 'other' });
      },
      (s) => {
        subscribed(s, 'a', 'b');
        publish(s, [10, 10], { subscriptions: 2 });
        receive(s, 20, 't~a', { id: 'one' });
        receive(s, 30, 't~b', { id: 'other' });
      },
      drained,
    ],
    [
      'a copy that one subscription gets, and the other not, of a publish without an answer',
      (s) => {
        subscribed(s, 'a', 'b');
        publish(s, [10, 10], 'lost');
        receive(s, 20, 't~a');
      },
      (s) => {
        subscribed(s, 'a', 'b');
        publish(s, [10, 10], 'lost');
      },
      drained,
    ],
    [
      'an answer that counts fewer subscriptions than match',
      (s) => {
        subscribed(s, 'a', 'b');
        publish(s, [10, 10], { subscriptions: 1 });
        receive(s, 20, 't~a');
        receive(s, 20, 't~b');
      },
      (s) => {
        subscribed(s, 'a');
        subscribe(s, [9, 11], 'b');
        publish(s, [10, 10], { subscriptions: 1 });
        receive(s, 20, 't~a');
      },
      drained,
    ],
    [
      'an answer that counts a subscription that does not match',
      (s) => {
        subscribed(s, 'a');
        subscribe(s, [1, 3], 'b', { subject: 'x.*' });
        publish(s, [10, 10], { subscriptions: 2 }, { body: 'm', subject: 'x' });
        receive(s, 20, 't~a', { subject: 'x' });
      },
      (s) => {
        subscribed(s, 'a');
        subscribe(s, [1, 3], 'b', { subject: 'x.*' });
        publish(s, [10, 10], { subscriptions: 1 }, { body: 'm', subject: 'x' });
        receive(s, 20, 't~a', { subject: 'x' });
      },
      drained,
    ],
    [
      'a copy that is lost under an own id that was never used',
      (s) => {
        subscribed(s, 'a', 'b');
        publish(s, [10, 10], { subscriptions: 2 }, { body: 'm', id: 'own' });
        receive(s, 20, 't~a', { id: 'own', publication: 'own' });
      },
      (s) => {
        subscribed(s, 'a', 'b');
        publish(s, [5, 5], 'lost', { body: 'former', id: 'own' });
        publish(s, [10, 10], { subscriptions: 2 }, { body: 'm', id: 'own' });
        receive(s, 20, 't~a', { id: 'own', publication: 'own' });
      },
      drained,
    ],
    [
      'a copy that is lost after the answer of a commit',
      (s) => {
        subscribed(s, 'a');
        publish(s, [10, 10], { subscriptions: 0 }, { body: 'm', prepared: true });
        s.call('commitPublication', [11, 12], { topic: 't', id: 'p' }, {}, {});
      },
      (s) => {
        subscribed(s, 'a');
        publish(s, [10, 10], { subscriptions: 0 }, { body: 'm', prepared: true });
        s.call('commitPublication', [11, 12], { topic: 't', id: 'p' }, {}, 'lost');
      },
      drained,
    ],
  ],
  'none-after-unsubscribe': [
    [
      'a copy of a publish that began after the answer of an unsubscribe',
      (s) => {
        subscribed(s, 'a');
        unsubscribe(s, [5, 7], 'a');
        publish(s, [10, 10], { subscriptions: 0 });
        receive(s, 20, 't~a');
      },
      (s) => {
        subscribed(s, 'a');
        unsubscribe(s, [9, 11], 'a');
        publish(s, [10, 10], { subscriptions: 1 });
        receive(s, 20, 't~a');
      },
    ],
    [
      'a copy of a publish that began after the answer of the deletion of an earlier topic of the name',
      (s) => {
        subscribed(s, 'a');
        s.call('deleteTopic', [5, 7], { topic: 't' }, { force: true }, {});
        topic(s);
        publish(s, [10, 10], { subscriptions: 0 });
        receive(s, 20, 't~a');
      },
      (s) => {
        subscribed(s, 'a');
        s.call('deleteTopic', [5, 7], { topic: 't' }, { force: true }, 'lost');
        topic(s);
        publish(s, [10, 10], { subscriptions: 1 });
        receive(s, 20, 't~a');
      },
    ],
    [
      'a copy for a subscription that was removed, although a later one had the name until then',
      (s) => {
        subscribed(s, 'a');
        unsubscribe(s, [4, 5], 'a');
        subscribe(s, [6, 7], 'a');
        unsubscribe(s, [8, 9], 'a');
        publish(s, [10, 10], { subscriptions: 0 });
        receive(s, 20, 't~a');
      },
      (s) => {
        subscribed(s, 'a');
        unsubscribe(s, [4, 5], 'a');
        subscribe(s, [6, 7], 'a');
        publish(s, [10, 10], { subscriptions: 1 });
        receive(s, 20, 't~a');
      },
    ],
  ],
  'never-unmatched': [
    [
      'a copy in the queue of a subscription with another subject',
      (s) => {
        topic(s);
        subscribe(s, [1, 3], 'a', { subject: 'x.*' });
        publish(s, [10, 10], { subscriptions: 0 }, { body: 'm', subject: 'x.y.z' });
        receive(s, 20, 't~a', { subject: 'x.y.z' });
      },
      (s) => {
        topic(s);
        subscribe(s, [1, 3], 'a', { subject: 'x.>' });
        publish(s, [10, 10], { subscriptions: 1 }, { body: 'm', subject: 'x.y.z' });
        receive(s, 20, 't~a', { subject: 'x.y.z' });
      },
    ],
    [
      'a copy that a filter does not pass',
      (s) => {
        topic(s);
        subscribe(s, [1, 3], 'a', { filter: { kind: [{ 'anything-but': ['x'] }] } });
        publish(s, [10, 10], { subscriptions: 0 }, { body: 'm', attributes: { kind: 'x' } });
        receive(s, 20, 't~a', { kind: 'x' });
      },
      (s) => {
        topic(s);
        subscribe(s, [1, 3], 'a', { filter: { kind: ['x'] } });
        publish(s, [10, 10], { subscriptions: 1 }, { body: 'm', attributes: { kind: 'x' } });
        receive(s, 20, 't~a', { kind: 'x' });
      },
    ],
    [
      'a copy by terms that were changed well before',
      (s) => {
        subscribed(s, 'a');
        change(s, [5, 6], 'a', 'other');
        publish(s, [10, 10], { subscriptions: 0 });
        receive(s, 20, 't~a');
      },
      (s) => {
        subscribed(s, 'a');
        // Each process follows within two seconds.
        change(s, [5, 9], 'a', 'other');
        publish(s, [10, 10], { subscriptions: 1 });
        receive(s, 20, 't~a');
      },
    ],
    [
      'a copy in a queue into which no subscription delivers',
      (s) => {
        s.queue('q');
        subscribed(s, 'a');
        publish(s, [10, 10], { subscriptions: 1 });
        receive(s, 20, 't~a');
        receive(s, 20, 'q');
      },
      (s) => {
        s.queue('q');
        subscribed(s, 'a');
        subscribe(s, [4, 5], 'b', { queue: 'q' });
        publish(s, [10, 10], { subscriptions: 2 });
        receive(s, 20, 't~a');
        receive(s, 20, 'q');
      },
    ],
  ],
});
