/** The part of the client that manages one topic and publishes to it. */
import type {
  Page,
  StatsInput,
  Subscription,
  SubscriptionInput,
  Topic,
  TopicPublishResult,
  TopicSettingsInput,
  TopicStatsPoint,
} from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { accepted, gathered } from '../calls/batch-results.ts';
import type { CallOptions } from '../calls/caller.ts';
import { type Pages, pagesOf } from '../calls/pages.ts';
import { entryOf, type NewTopicMessage } from '../calls/publisher.ts';
import { type DocumentItem, type ItemsOptions, itemsFor, type LowLevelItem } from '../calls/transactions.ts';
import type { Handler } from '../consumer/consumer.ts';
import { Broadcast, type BroadcastOptions } from './broadcast.ts';
import { isList, type PublishableToTopic, type PublishedToTopic, type PublishItems } from './queue-types.ts';
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
   * What was published to the topic lately, in steps of ten minutes or more, and what subscriptions got of it. For people: a
   * process that dies takes its last minute with it.
   * @throws DumbwaiterError `topic_not_found`
   */
  async stats(input: StatsInput = {}, options?: CallOptions): Promise<TopicStatsPoint[]> {
    return (await this.#connection.caller.call('topicStats', this.#params, input, options)).points;
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
   * Publishes one or several messages. Each subscription that matches gets a message once in its queue, whatever crashes.
   * Batches, retries and results are those of `QueueClient.publish`; a result also says how many subscriptions got the message.
   * @throws DumbwaiterError `topic_not_found`
   */
  publish(message: NewTopicMessage<T>, options?: CallOptions): Promise<PublishedToTopic>;
  publish(messages: readonly NewTopicMessage<T>[], options?: CallOptions): Promise<TopicPublishResult[]>;
  async publish(given: PublishableToTopic<T>, options?: CallOptions): Promise<PublishedToTopic | TopicPublishResult[]> {
    const { publisher } = this.#connection;
    if (isList(given)) return gathered(publisher.publishToTopic(this.name, given, options));
    const [result] = publisher.publishToTopic(this.name, [given], options);
    return accepted(await (result as Promise<TopicPublishResult>));
  }

  /**
   * Returns entries for your own TransactWriteItems, like `QueueClient.publishItems`. The subscriptions that get the messages
   * are fixed now.
   * @throws DumbwaiterError `topic_not_found`; `invalid_input` if a message cannot be published, or all together are too large
   */
  publishItems(
    messages: PublishableToTopic<T>,
    options: CallOptions & ItemsOptions & { document: true },
  ): Promise<PublishItems<DocumentItem>>;
  publishItems(messages: PublishableToTopic<T>, options?: CallOptions & ItemsOptions): Promise<PublishItems<LowLevelItem>>;
  async publishItems(given: PublishableToTopic<T>, { document, ...options }: CallOptions & ItemsOptions = {}) {
    const { caller, tracing } = this.#connection;
    const entries = (isList(given) ? given : [given]).map(entryOf);
    const [call] = tracing.publish('create', this.name, entries, (messages) => [
      caller.call('topicPublishItems', this.#params, { messages }, options),
    ]);
    const { items, ids } = await call!;
    return { items: itemsFor(items, 'message_exists', { document }), ids };
  }

  /**
   * Commits a publish that was `prepared`: the subscriptions of now get its message. Repeating the commit changes nothing.
   * @throws DumbwaiterError `topic_not_found`, `publication_not_found`, `message_rolled_back`
   */
  async commit(id: string, options?: CallOptions): Promise<void> {
    await this.#connection.caller.call('commitPublication', { topic: this.name, id }, {}, options);
  }

  /**
   * Rolls back a publish that was `prepared`: no subscription gets its message. Repeating the rollback changes nothing.
   * @throws DumbwaiterError `topic_not_found`, `publication_not_found`, `message_committed`
   */
  async rollback(id: string, options?: CallOptions): Promise<void> {
    await this.#connection.caller.call('rollbackPublication', { topic: this.name, id }, {}, options);
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
    return pagesOf(
      input,
      (page) => this.#connection.caller.call('listSubscriptions', this.#params, page, options),
      ({ subscriptions }) => subscriptions,
    );
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
