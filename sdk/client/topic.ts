/** The part of the client that manages one topic and publishes to it. */
import type { Page, Subscription, SubscriptionInput, Topic, TopicSettingsInput } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import type { CallOptions } from '../calls/caller.ts';
import { type Pages, pagesOf } from '../calls/pages.ts';
import type { Handler } from '../consumer/consumer.ts';
import { Broadcast, type BroadcastOptions } from './broadcast.ts';
import type { Connection } from './requests.ts';
import { SubscriptionClient } from './subscription.ts';

/**
 * One topic, with bodies of type `T`: each message that is published to it goes to all its subscriptions that match. Creating
 * this object makes no call: `create` creates the topic.
 */
export class TopicClient<T = unknown> {
  readonly name: string;
  readonly #connection: Connection;

  constructor(name: string, connection: Connection) {
    this.name = name;
    this.#connection = connection;
  }

  /**
   * Creates the topic. Returns an existing topic unchanged if it has these settings. Use `ensure` when an application starts.
   * @throws DumbwaiterError `topic_exists` if the topic exists with other settings
   */
  create(settings: TopicSettingsInput = {}, options?: CallOptions): Promise<Topic> {
    return this.#connection.caller.call('createTopic', this.#params, settings, options);
  }

  /** Creates the topic, or gives an existing topic these settings. Settings that are left out of an existing topic stay. */
  async ensure(settings: TopicSettingsInput = {}, options?: CallOptions): Promise<Topic> {
    try {
      return await this.create(settings, options);
    } catch (error) {
      if (!(error instanceof DumbwaiterError && error.code === 'topic_exists')) throw error;
      return this.update(settings, options);
    }
  }

  /**
   * Returns the topic's settings and how many subscriptions it has.
   * @throws DumbwaiterError `topic_not_found`
   */
  describe(options?: CallOptions): Promise<Topic> {
    return this.#connection.caller.call('getTopic', this.#params, {}, options);
  }

  /**
   * Changes the given settings; the others stay. Queues that its subscriptions have already stay as they are.
   * @throws DumbwaiterError `topic_not_found`
   */
  update(settings: TopicSettingsInput, options?: CallOptions): Promise<Topic> {
    return this.#connection.caller.call('updateTopic', this.#params, settings, options);
  }

  /**
   * Deletes the topic. With `force`, also its subscriptions and the queues that they own.
   * @throws DumbwaiterError `topic_not_found`; `topic_in_use` if it has subscriptions, without `force`
   */
  async delete(input: { force?: boolean } = {}, options?: CallOptions): Promise<void> {
    await this.#connection.caller.call('deleteTopic', this.#params, input, options);
  }

  /**
   * Subscribes with a queue of its own, `{topic}~{name}`, or on an existing `queue`. Each message that is published after this
   * call, and matches, reaches it. Returns an existing subscription unchanged if it has these terms.
   * `subscription(name).queue()` receives from its own queue.
   * @throws DumbwaiterError `topic_not_found`; `subscription_exists` if it exists with other terms; `invalid_input`
   */
  subscribe(name: string, input: SubscriptionInput = {}, options?: CallOptions): Promise<Subscription> {
    return this.#connection.caller.call('subscribe', { topic: this.name, subscription: name }, input, options);
  }

  /** The subscription of this name. Makes no call. */
  subscription(name: string): SubscriptionClient<T> {
    return new SubscriptionClient<T>(this.name, name, this.#connection);
  }

  /**
   * Lists the subscriptions by name.
   * @throws DumbwaiterError `topic_not_found`
   */
  subscriptions(input: Page = {}, options?: CallOptions): Pages<Subscription> {
    return pagesOf(input, async (page) => {
      const { subscriptions, cursor } = await this.#connection.caller.call('listSubscriptions', this.#params, page, options);
      return [subscriptions, cursor];
    });
  }

  /**
   * Gives each message to every program that calls this, from when the call resolves until `stop`. Each has a subscription of
   * its own under a random name, which ends with the program.
   * @throws DumbwaiterError `topic_not_found`; `invalid_input`
   */
  broadcast(handler: Handler<T>, options: BroadcastOptions = {}): Promise<Broadcast<T>> {
    const subscription = this.subscription(`broadcast-${crypto.randomUUID()}`);
    return Broadcast.start(subscription, handler, options, (input, limits) => this.subscribe(subscription.name, input, limits));
  }

  get #params() {
    return { topic: this.name };
  }
}
