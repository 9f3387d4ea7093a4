/** The part of the client that publishes, receives and manages the messages of one queue. */
import type { AckResult, ExtendResult, InputOf, Json, PeekInput, PublishResult, ReleaseResult } from '../../contract/contract.ts';
import { accepted, gathered } from '../calls/batch-results.ts';
import type { CallOptions } from '../calls/caller.ts';
import { attributesOf, contentOf } from '../calls/content.ts';
import { Leases, type ReleaseInput } from '../calls/leases.ts';
import { type Pages, pagesOf } from '../calls/pages.ts';
import { entryOf, type NewMessage } from '../calls/publisher.ts';
import type { Receipts } from '../calls/receipts.ts';
import { ReceivedMessage, type WaitingMessage, waitingMessage } from '../calls/received-message.ts';
import { type DocumentItem, type ItemsOptions, itemsFor, type LowLevelItem } from '../calls/transactions.ts';
import { commitOf } from '../consumer/commit.ts';
import {
  Consumer,
  type ConsumerOptions,
  type ConsumerSource,
  type Handler,
  type TransactionHandler,
} from '../consumer/consumer.ts';
import { QueueAdministration } from './queue-administration.ts';
import {
  type Edit,
  isList,
  type MessageOperation,
  type Publishable,
  type Published,
  type PublishItems,
  type ReceiveInput,
  type ReleaseByIdInput,
  type Reschedule,
} from './queue-types.ts';
import type { CallInput, Connection } from './requests.ts';

/** One queue, with bodies of type `T`. Creating this object makes no call: `create` creates the queue. */
export class QueueClient<T = unknown> extends QueueAdministration {
  readonly #connection: Connection;

  constructor(name: string, connection: Connection) {
    super(name, connection);
    this.#connection = connection;
  }

  /**
   * Publishes one or several messages. Publishes to one queue in the same turn of the event loop, or within the client's
   * `lingerMs`, share a call.
   *
   * At least once: after a lost response the message is sent again, and may exist twice. To prevent that, give it an `id`, or
   * set `retries` to 0.
   * One message: a refusal is thrown. Several: each has its own result, in order, and an error is thrown only if no message got
   * an answer. Messages beyond one call (100 messages, 5 MiB) travel in parallel calls.
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
   * Returns entries for your own TransactWriteItems: the 1 to 100 messages are published together with your writes, or not at
   * all. This call itself publishes nothing. Commit the entries once, within a minute: ids and times are fixed now, and a purge
   * in between also removes the messages.
   * A transaction takes 100 entries and 4 MB, including yours. A small message takes one entry, and so do ten published
   * together.
   * @throws DumbwaiterError `invalid_input` if a message cannot be published, or all together are too large
   */
  publishItems(
    messages: Publishable<T>,
    options: CallOptions & ItemsOptions & { document: true },
  ): Promise<PublishItems<DocumentItem>>;
  publishItems(messages: Publishable<T>, options?: CallOptions & ItemsOptions): Promise<PublishItems<LowLevelItem>>;
  async publishItems(given: Publishable<T>, { document, ...options }: CallOptions & ItemsOptions = {}) {
    const { caller, tracing } = this.#connection;
    const entries = (isList(given) ? given : [given]).map(entryOf);
    const [call] = tracing.publish('create', this.name, entries, (messages) => [
      caller.call('publishItems', this.#params, { messages }, options),
    ]);
    const { items, ids } = await call!;
    return { items: itemsFor(items, 'message_exists', { document }), ids };
  }

  /**
   * Leases messages to this program; an empty list if there are none. A retry after a lost response leaves the leases of the
   * first attempt to expire.
   */
  async receive(input: ReceiveInput = {}, options?: CallOptions): Promise<ReceivedMessage<T>[]> {
    return (await this.#receive(this.#connection.leases, input, options)).messages;
  }

  /**
   * Runs a handler on the queue's messages until `stop` is called.
   * @throws TypeError if `transaction` is set and the transport cannot commit transactions
   */
  consume(handler: TransactionHandler<T>, options: ConsumerOptions & { transaction: true }): Consumer<T>;
  consume(handler: Handler<T>, options?: ConsumerOptions): Consumer<T>;
  consume(handler: Handler<T>, options: ConsumerOptions = {}): Consumer<T> {
    const { caller, timers, tracing } = this.#connection;
    const commit = commitOf({ caller, tracing, queue: this.name }, options);
    const traced: Handler<T> = (message, context) => tracing.handle(this.name, message, () => handler(message, context));
    const sourceWith = (lingerMs: number): ConsumerSource<T> => {
      const leases = new Leases(caller, timers, lingerMs, tracing);
      return {
        receive: (input, callOptions) => this.#receive(leases, input, callOptions),
        settings: (callOptions) => this.describe(callOptions),
        flush: () => leases.flush(),
        wake: caller.canBeWoken ? { queue: this.name, addressOf: (wakeUrl) => caller.wakeAddress(wakeUrl) } : undefined,
        ...(commit && { commit }),
      };
    };
    return tracing.detached(() => new Consumer<T>(traced, options, timers, sourceWith));
  }

  /** Acks any number of messages or receipts. Each has its own result, in order. `result` is kept with each of them. */
  async ack(messages: Receipts, options?: CallOptions & { result?: Json }): Promise<AckResult[]> {
    return gathered(this.#connection.leases.ack(this.name, messages, options));
  }

  /**
   * Like `ReceivedMessage.ackItems`, for any number of messages or receipts of this queue: one entry for all messages that
   * share a row.
   */
  ackItems(messages: Receipts, options: CallOptions & ItemsOptions & { document: true }): Promise<DocumentItem[]>;
  ackItems(messages: Receipts, options?: CallOptions & ItemsOptions): Promise<LowLevelItem[]>;
  ackItems(messages: Receipts, options: CallOptions & ItemsOptions = {}): Promise<LowLevelItem[] | DocumentItem[]> {
    return this.#connection.leases.ackItems(this.name, messages, options);
  }

  /** Like `ReceivedMessage.release`, for any number of messages or receipts. */
  async release(messages: Receipts, input?: ReleaseInput, options?: CallOptions): Promise<ReleaseResult[]> {
    return gathered(this.#connection.leases.release(this.name, messages, input, options));
  }

  /** Like `ReceivedMessage.extend`, for any number of messages or receipts. */
  extend(messages: Receipts, visibilityTimeoutSeconds?: number, options?: CallOptions): Promise<ExtendResult[]> {
    const input = { ...(visibilityTimeoutSeconds !== undefined && { visibilityTimeoutSeconds }) };
    return gathered(this.#connection.leases.extend(this.name, messages, input, options));
  }

  /**
   * Publishes a request and waits up to `timeoutSeconds` for its reply: the result given with the ack (undefined if there was
   * none). The queue must keep results, and the API key needs the scopes publish and read.
   * With an `id` chosen by you, a restarted program that calls again finds its first request. Aborting ends the waiting, not
   * the request.
   * @throws DumbwaiterError `call_timeout` (a request that is not being handled is cancelled), `cancelled`, `message_dead`;
   * `invalid_input` if the queue keeps no results
   */
  call<Result = Json>(body: T, input?: CallInput, options?: CallOptions): Promise<Result> {
    return this.#connection.requests.call(this.name, body, input, options) as Promise<Result>;
  }

  /**
   * Returns a message by id without receiving it, also an ended message that is kept. With `waitSeconds` (0 to 20) the call
   * waits for its end.
   * @throws DumbwaiterError `message_not_found`
   */
  async get(id: string, input: { waitSeconds?: number } = {}, options?: CallOptions): Promise<WaitingMessage<T>> {
    const { wakeUrl: _, ...message } = await this.#byId('getMessage', id, input, options);
    return waitingMessage(message);
  }

  /**
   * Cancels a waiting message: it is never received again. An id chosen by a caller becomes free. With `force`, a leased
   * message is cancelled too, and its receiver's next ack, release or extend fails with `cancelled`.
   * @throws DumbwaiterError `message_not_found`; `message_leased` without `force`
   */
  async cancel(id: string, input: { force?: boolean } = {}, options?: CallOptions): Promise<void> {
    await this.#byId('cancelMessage', id, input, options);
  }

  /**
   * Ends the lease of a message without its receipt: it can be received again at once, or after `delaySeconds`. Its receiver's next
   * ack, release or extend fails with `lease_lost`. `receives`: only the lease of that receive. A message that is not leased stays as
   * it is.
   * @throws DumbwaiterError `message_not_found`, `message_prepared`
   */
  releaseById(id: string, input: ReleaseByIdInput = {}, options?: CallOptions) {
    return this.#byId('releaseMessage', id, input, options);
  }

  /**
   * Commits a message that was published `prepared`: it can be received at once, or after its delay. Repeating the commit
   * changes nothing.
   * @throws DumbwaiterError `message_rolled_back`, `message_not_found`
   */
  async commit(id: string, options?: CallOptions): Promise<void> {
    await this.#byId('commitMessage', id, {}, options);
  }

  /**
   * Rolls back a message that was published `prepared`: it is never received. Repeating the rollback changes nothing.
   * @throws DumbwaiterError `message_committed`, `message_not_found`
   */
  async rollback(id: string, options?: CallOptions): Promise<void> {
    await this.#byId('rollbackMessage', id, {}, options);
  }

  /**
   * Changes when a waiting message can be received, to later or earlier.
   * @throws DumbwaiterError `message_leased`, `message_not_found`, `message_prepared`
   */
  reschedule(id: string, when: Reschedule, options?: CallOptions): Promise<{ id: string; visibleAt: string }> {
    return this.#byId('updateMessage', id, when, options);
  }

  /**
   * Changes the body, attributes or priority of a waiting message. Fields that are left out stay.
   * @throws DumbwaiterError `message_leased`, `message_not_found`, `message_prepared`
   */
  async edit(id: string, { body, attributes, ...rest }: Edit<T>, options?: CallOptions): Promise<void> {
    const changes = {
      ...(body !== undefined && { content: contentOf(body) }),
      ...(attributes !== undefined && { attributes: attributesOf(attributes) }),
      ...rest,
    };
    await this.#byId('updateMessage', id, changes, options);
  }

  /** Lists messages that fit all filters, or all, without receiving them. */
  peek(input: PeekInput = {}, options?: CallOptions): Pages<WaitingMessage<T>> {
    return pagesOf(
      input,
      (page) => this.#connection.caller.call('peek', this.#params, page, options),
      ({ messages }) => messages.map((message) => waitingMessage<T>(message)),
    );
  }

  #byId<Name extends MessageOperation>(operation: Name, id: string, input: InputOf<Name>, options?: CallOptions) {
    return this.#connection.caller.call(operation, { queue: this.name, id } as never, input, options);
  }

  get #params() {
    return { queue: this.name };
  }

  #receive(leases: Leases, input: ReceiveInput, options?: CallOptions) {
    const { caller, tracing } = this.#connection;
    return tracing.receive(this.name, async () => {
      const { messages, waitIsCheap = false, wakeUrl } = await caller.call('receive', this.#params, input, options);
      const received = messages.map(
        (message) => new ReceivedMessage<T>(this.name, message, leases, input.visibilityTimeoutSeconds),
      );
      return { messages: received, waitIsCheap, wakeUrl };
    });
  }
}
