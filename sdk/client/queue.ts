import type { AckResult, ExtendResult, Json, MessageState, Page, PublishResult, ReleaseResult } from '../../contract/contract.ts';
import { accepted, gathered } from '../calls/batch-results.ts';
import type { CallOptions } from '../calls/caller.ts';
import { attributesOf, contentOf } from '../calls/content.ts';
import { Leases, type ReleaseInput } from '../calls/leases.ts';
import { type Pages, pagesOf } from '../calls/pages.ts';
import { entryOf, type NewMessage } from '../calls/publisher.ts';
import { ReceivedMessage, type WaitingMessage, waitingMessage } from '../calls/received-message.ts';
import { type DocumentItem, type ItemsOptions, itemsFor, type LowLevelItem } from '../calls/transactions.ts';
import { commitOf } from '../consumer/commit.ts';
import { Consumer, type ConsumerOptions, type Handler, type TransactionHandler } from '../consumer/consumer.ts';
import type { Connection } from './connection.ts';
import { QueueAdministration } from './queue-administration.ts';
import {
  type Edit,
  isList,
  type Publishable,
  type Published,
  type PublishItems,
  type Receipts,
  type ReceiveInput,
  type Reschedule,
  receiptsOf,
} from './queue-types.ts';
import type { CallInput } from './requests.ts';

/** One queue, its bodies of type `T`. Making this object calls nothing: `create` makes the queue. */
export class QueueClient<T = unknown> extends QueueAdministration {
  readonly #connection: Connection;

  constructor(name: string, connection: Connection) {
    super(name, connection);
    this.#connection = connection;
  }

  /**
   * Publishes. What is published to a queue in the same turn, or within the client's `lingerMs`, travels together.
   *
   * At least once: when an answer is lost, the message is sent again, and may be there twice, unless it has an `id` of
   * yours, or `retries` is 0. One message: a refusal is thrown. Several: each has its result, in order, and an error is
   * thrown only when none got an answer; what does not fit into one call (100 messages, 5 MiB) travels side by side.
   */
  publish(message: NewMessage<T>, options?: CallOptions): Promise<Published>;
  publish(messages: readonly NewMessage<T>[], options?: CallOptions): Promise<PublishResult[]>;
  async publish(given: NewMessage<T> | readonly NewMessage<T>[], options?: CallOptions): Promise<Published | PublishResult[]> {
    const { publisher } = this.#connection;
    if (isList(given)) return gathered(publisher.publish(this.name, given, options));
    const [result] = publisher.publish(this.name, [given], options);
    return accepted(await (result as Promise<PublishResult>));
  }

  /**
   * Entries for a TransactWriteItems of your own: the messages, 1 to 100, are published with what else it writes, or not at all. This call
   * publishes nothing. Commit them once, and within a minute: ids and times are those of now, and a purge in between takes the messages
   * with it. A transaction takes 100 entries and 4 MB, yours included; a small message takes one entry, ten published together one.
   * @throws DumbwaiterError `invalid_input` when one message cannot be published, or all together are too large
   */
  publishItems(
    messages: Publishable<T>,
    options: CallOptions & ItemsOptions & { document: true },
  ): Promise<PublishItems<DocumentItem>>;
  publishItems(messages: Publishable<T>, options?: CallOptions & ItemsOptions): Promise<PublishItems<LowLevelItem>>;
  async publishItems(given: Publishable<T>, { document, ...options }: CallOptions & ItemsOptions = {}) {
    const messages = (isList(given) ? given : [given]).map(entryOf);
    const { items, ids } = await this.#connection.caller.call('publishItems', this.#params, { messages }, options);
    return { items: itemsFor(items, 'message_exists', { document }), ids };
  }

  /** Leases messages to this program; none is an empty list. A retry after a lost answer leaves the first one's leases to expire. */
  async receive(input: ReceiveInput = {}, options?: CallOptions): Promise<ReceivedMessage<T>[]> {
    return (await this.#receive(this.#connection.leases, input, options)).messages;
  }

  /**
   * Works on the queue until `stop` is called.
   * @throws TypeError when `transaction` is asked of a transport that has none
   */
  consume(handler: TransactionHandler<T>, options: ConsumerOptions & { transaction: true }): Consumer<T>;
  consume(handler: Handler<T>, options?: ConsumerOptions): Consumer<T>;
  consume(handler: Handler<T>, options: ConsumerOptions = {}): Consumer<T> {
    const { caller, timers } = this.#connection;
    const commit = commitOf(caller, options);
    return new Consumer<T>(handler, options, timers, (lingerMs) => {
      const leases = new Leases(caller, timers, lingerMs);
      return {
        receive: (input, callOptions) => this.#receive(leases, input, callOptions),
        visibilityTimeoutSeconds: async (callOptions) => (await this.describe(callOptions)).visibilityTimeoutSeconds,
        flush: () => leases.flush(),
        ...(commit && { commit }),
      };
    });
  }

  /** Any number of messages, or receipts; each has its result, in order. What `result` says is kept with each of them. */
  async ack(messages: Receipts, options?: CallOptions & { result?: Json }): Promise<AckResult[]> {
    return gathered(this.#connection.leases.ack(this.name, receiptsOf(messages), options));
  }

  /** As `ReceivedMessage.ackItems`, for any number of messages or receipts of this queue: one entry for all that share a row. */
  ackItems(messages: Receipts, options: CallOptions & ItemsOptions & { document: true }): Promise<DocumentItem[]>;
  ackItems(messages: Receipts, options?: CallOptions & ItemsOptions): Promise<LowLevelItem[]>;
  ackItems(messages: Receipts, options: CallOptions & ItemsOptions = {}): Promise<LowLevelItem[] | DocumentItem[]> {
    return this.#connection.leases.ackItems(this.name, receiptsOf(messages), options);
  }

  /** As `ReceivedMessage.release`, for any number of messages or receipts. */
  async release(messages: Receipts, input?: ReleaseInput, options?: CallOptions): Promise<ReleaseResult[]> {
    return gathered(this.#connection.leases.release(this.name, receiptsOf(messages), input, options));
  }

  /** As `ReceivedMessage.extend`, for any number of messages or receipts. */
  extend(messages: Receipts, visibilityTimeoutSeconds?: number, options?: CallOptions): Promise<ExtendResult[]> {
    const input = { ...(visibilityTimeoutSeconds !== undefined && { visibilityTimeoutSeconds }) };
    return gathered(this.#connection.leases.extend(this.name, receiptsOf(messages), input, options));
  }

  /**
   * Publishes a request and waits for its reply, the result that is given with the ack (undefined: none was), for as long as `timeoutSeconds`
   * says. The queue must keep results, and the key needs the scopes publish and receive. With an `id` of yours, a program that died and
   * calls again finds its first request. Aborting ends the waiting, not the request.
   * @throws DumbwaiterError `call_timeout` (nobody's request is cancelled), `cancelled`, `message_dead`; `invalid_input`: no results are kept
   */
  call<Result = Json>(body: T, input?: CallInput, options?: CallOptions): Promise<Result> {
    return this.#connection.requests.call(this.name, body, input, options) as Promise<Result>;
  }

  /**
   * A message by id, without receiving it; also one that has ended and is kept. With `waitSeconds` (0 to 20) the answer waits for its end.
   * @throws DumbwaiterError `message_not_found`
   */
  async get(id: string, input: { waitSeconds?: number } = {}, options?: CallOptions): Promise<WaitingMessage<T>> {
    return waitingMessage(await this.#connection.caller.call('getMessage', { queue: this.name, id }, input, options));
  }

  /**
   * Cancels a message that waits: it is never received again. Its own id is free for another.
   * @throws DumbwaiterError `message_leased`, unless `force`: then its holder is told `cancelled`
   */
  async cancel(id: string, input: { force?: boolean } = {}, options?: CallOptions): Promise<void> {
    await this.#connection.caller.call('cancelMessage', { queue: this.name, id }, input, options);
  }

  /**
   * Lets a message be received that was published `prepared`: at once, or after its delay. Committing it again changes nothing.
   * @throws DumbwaiterError `message_rolled_back`, `message_not_found`
   */
  async commit(id: string, options?: CallOptions): Promise<void> {
    await this.#connection.caller.call('commitMessage', { queue: this.name, id }, {}, options);
  }

  /**
   * Gives a message up that was published `prepared`: nobody ever receives it. Rolling it back again changes nothing.
   * @throws DumbwaiterError `message_committed`, `message_not_found`
   */
  async rollback(id: string, options?: CallOptions): Promise<void> {
    await this.#connection.caller.call('rollbackMessage', { queue: this.name, id }, {}, options);
  }

  /**
   * Puts a message that waits off, or brings it forward.
   * @throws DumbwaiterError `message_leased`, `message_not_found`
   */
  reschedule(id: string, when: Reschedule, options?: CallOptions): Promise<{ id: string; visibleAt: string }> {
    return this.#connection.caller.call('updateMessage', { queue: this.name, id }, when, options);
  }

  /**
   * Changes what a message that waits carries, or its priority; what is left out stays.
   * @throws DumbwaiterError `message_leased`, `message_not_found`
   */
  async edit(id: string, { body, attributes, ...rest }: Edit<T>, options?: CallOptions): Promise<void> {
    const changes = {
      ...(body !== undefined && { content: contentOf(body) }),
      ...(attributes !== undefined && { attributes: attributesOf(attributes) }),
      ...rest,
    };
    await this.#connection.caller.call('updateMessage', { queue: this.name, id }, changes, options);
  }

  /** Messages of one state, or of all, without receiving them. */
  peek(input: Page & { state?: MessageState } = {}, options?: CallOptions): Pages<WaitingMessage<T>> {
    return pagesOf(input, async (page) => {
      const { messages, cursor } = await this.#connection.caller.call('peek', this.#params, page, options);
      return [messages.map((message) => waitingMessage<T>(message)), cursor];
    });
  }

  get #params() {
    return { queue: this.name };
  }

  async #receive(leases: Leases, input: ReceiveInput, options?: CallOptions) {
    const { messages, waitIsCheap = false } = await this.#connection.caller.call('receive', this.#params, input, options);
    const received = messages.map(
      (message) => new ReceivedMessage<T>(this.name, message, leases, input.visibilityTimeoutSeconds),
    );
    return { messages: received, waitIsCheap };
  }
}
