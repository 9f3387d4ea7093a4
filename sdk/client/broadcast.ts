/** Implements `TopicClient.broadcast`: a subscription for the life of one consumer. */
import type { SubscriptionInput } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import type { CallOptions } from '../calls/caller.ts';
import type { Consumer, ConsumerOptions, Handler, StopOptions } from '../consumer/consumer.ts';
import type { SubscriptionClient } from './subscription.ts';

/** Which messages to get, and how to handle them. */
export interface BroadcastOptions extends ConsumerOptions, Omit<SubscriptionInput, 'queue' | 'expiresAfterSeconds'> {
  /**
   * The subscription ends after this many seconds without a receive or an extend, such as when this program ended without `stop`.
   * 60 to 31,536,000. Default 600.
   */
  expiresAfterSeconds?: number;
}

export const expiresAfterSecondsDefault = 600;

/** A consumer with a subscription of its own. */
export class Broadcast<T = unknown> {
  readonly consumer: Consumer<T>;
  readonly subscription: SubscriptionClient<T>;
  #unsubscribed: Promise<void> | undefined;

  private constructor(consumer: Consumer<T>, subscription: SubscriptionClient<T>) {
    this.consumer = consumer;
    this.subscription = subscription;
    void consumer.done.then(() => this.#unsubscribe());
  }

  static async start<T>(
    subscription: SubscriptionClient<T>,
    handler: Handler<T>,
    { subject, filter, filterScope, settings, expiresAfterSeconds = expiresAfterSecondsDefault, ...options }: BroadcastOptions,
    subscribe: (input: SubscriptionInput, options: CallOptions) => Promise<unknown>,
  ): Promise<Broadcast<T>> {
    const input = {
      expiresAfterSeconds,
      ...(subject !== undefined && { subject }),
      ...(filter !== undefined && { filter }),
      ...(filterScope !== undefined && { filterScope }),
      ...(settings !== undefined && { settings }),
    };
    const limits = { ...(options.signal && { signal: options.signal }) };
    await subscribe(input, limits);
    const consumer = subscription.queue().consume(handler, options);
    // The subscription ended by itself, perhaps because this computer slept.
    consumer.on('error', ({ error }) => {
      if (error instanceof DumbwaiterError && error.code === 'queue_not_found') void subscribe(input, limits).catch(() => {});
    });
    return new Broadcast<T>(consumer, subscription);
  }

  /**
   * Stops the consumer as `Consumer.stop` does, and ends the subscription with the messages that it still holds. If that fails,
   * the subscription ends by itself.
   */
  async stop(options?: StopOptions): Promise<void> {
    await this.consumer.stop(options);
    await this.#unsubscribe();
  }

  #unsubscribe(): Promise<void> {
    this.#unsubscribed ??= this.subscription.delete().catch(() => {});
    return this.#unsubscribed;
  }
}
