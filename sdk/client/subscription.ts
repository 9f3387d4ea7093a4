/** The part of the client that manages one subscription of a topic. */
import type {
  MatchResult,
  Subscription,
  SubscriptionChanges,
  SubscriptionInput,
  SubscriptionWithCounts,
} from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import type { CallOptions } from '../calls/caller.ts';
import { entryOf, type NewTopicMessage } from '../calls/publisher.ts';
import { QueueClient } from './queue.ts';
import type { Connection } from './requests.ts';

/** A message to try on a subscription. */
export type TestedMessage<T = unknown> = Pick<NewTopicMessage<T>, 'body' | 'attributes' | 'subject'>;

/** One subscription. Creating this object makes no call. */
export class SubscriptionClient<T = unknown> {
  readonly topic: string;
  readonly name: string;
  readonly #connection: Connection;

  constructor(topic: string, name: string, connection: Connection) {
    this.topic = topic;
    this.name = name;
    this.#connection = connection;
  }

  /**
   * Creates the subscription, like `TopicClient.subscribe`, or gives an existing one these terms. Use it when an application
   * starts. Terms that are left out get their defaults. Settings that are left out of an existing queue stay as they are.
   * @throws DumbwaiterError `topic_not_found`; `subscription_exists` if it delivers into another queue
   */
  async ensure(input: SubscriptionInput = {}, options?: CallOptions): Promise<Subscription> {
    const { caller } = this.#connection;
    const { queue = this.#ownQueue, settings, ...terms } = input;
    try {
      return await caller.call('subscribe', this.#params, input, options);
    } catch (error) {
      if (!(error instanceof DumbwaiterError && error.code === 'subscription_exists')) throw error;
      if ((await this.describe(options)).queue !== queue) throw error;
    }
    if (settings !== undefined) await caller.call('updateQueue', { queue }, settings, options);
    const isOwn = queue === this.#ownQueue;
    return this.update({ ...termsDefault, ...(isOwn && { expiresAfterSeconds: null }), ...terms }, options);
  }

  /**
   * Returns the subscription, and how many messages its queue holds.
   * @throws DumbwaiterError `topic_not_found`, `subscription_not_found`
   */
  describe(options?: CallOptions): Promise<SubscriptionWithCounts> {
    return this.#connection.caller.call('getSubscription', this.#params, {}, options);
  }

  /**
   * Changes the given terms; the others stay. Takes effect everywhere within 2 s. Change the settings of its queue by
   * `queue().update`.
   * @throws DumbwaiterError `topic_not_found`, `subscription_not_found`
   */
  update(changes: SubscriptionChanges, options?: CallOptions): Promise<Subscription> {
    return this.#connection.caller.call('updateSubscription', this.#params, changes, options);
  }

  /**
   * Ends the subscription. No message that is published after this call reaches it. A queue of its own is deleted with its
   * messages.
   * @throws DumbwaiterError `topic_not_found`, `subscription_not_found`; `queue_in_use`
   */
  async delete(options?: CallOptions): Promise<void> {
    await this.#connection.caller.call('unsubscribe', this.#params, {}, options);
  }

  /**
   * Returns whether a message would match; if not, the first condition that it does not meet. Publishes nothing.
   * @throws DumbwaiterError `topic_not_found`, `subscription_not_found`
   */
  test(message: TestedMessage<T>, options?: CallOptions): Promise<MatchResult> {
    return this.#connection.caller.call('testSubscription', this.#params, entryOf(message), options);
  }

  /** The queue that the subscription owns. If it delivers into an existing queue, use `dumbwaiter.queue`. Makes no call. */
  queue(): QueueClient<T> {
    return new QueueClient<T>(this.#ownQueue, this.#connection);
  }

  get #ownQueue() {
    return `${this.topic}~${this.name}`;
  }

  get #params() {
    return { topic: this.topic, subscription: this.name };
  }
}

const termsDefault = { subject: null, filter: null, filterScope: 'attributes' } as const;
