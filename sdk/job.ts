import type { ConsumerEvents, Emitter } from './consumer-events.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import type { ReceivedMessage } from './message.ts';
import type { Timers } from './timers.ts';

export interface HandlerContext {
  /** Aborts when the lease is lost (reason: DumbwaiterError `lease_lost`), or when the consumer gives the message back. */
  signal: AbortSignal;
}

/** Handled when it returns, failed when it throws. It may ack or release the message itself. */
export type Handler<T> = (message: ReceivedMessage<T>, context: HandlerContext) => unknown;

export interface JobParts<T> {
  handler: Handler<T>;
  emitter: Emitter<ConsumerEvents<T>>;
  timers: Timers;
  visibilityTimeoutSeconds: number;
  /** The handler's place is free again; the ack or release may still be under way. */
  onHandled(): void;
}

/** How long the calls that give a message back at a stop may take. */
export const giveBackMsMax = 5_000;

/** One message in a consumer's hands: its handler, its lease, and how it ends. */
export class Job<T> {
  readonly #message: ReceivedMessage<T>;
  readonly #parts: JobParts<T>;
  readonly #controller = new AbortController();
  /** The message is no longer this consumer's to settle: its lease is lost, or it was given back. */
  #parted = false;
  #handled = false;
  #onGivenBack: () => void = () => {};
  readonly #givenBack = new Promise<void>((resolve) => {
    this.#onGivenBack = resolve;
  });

  constructor(message: ReceivedMessage<T>, parts: JobParts<T>) {
    this.#message = message;
    this.#parts = parts;
  }

  /** Whether the handler has ended. */
  get handled(): boolean {
    return this.#handled;
  }

  /** Resolves, never rejects, once the message is acked, released, or given back, or its handler ended after it was lost. */
  async run(): Promise<void> {
    this.#parts.emitter.emit('message', this.#message);
    await Promise.race([this.#work(), this.#givenBack]);
  }

  /** Stops the handler, as far as it heeds its signal, and gives the message back, not as failed. */
  async giveBack(): Promise<void> {
    if (this.#handled || this.#parted) return;
    this.#parted = true;
    this.#controller.abort(new DOMException('The consumer stops, and gives the message back.', 'AbortError'));
    if (!this.#message.settled) await this.#guarded(this.#message.release({ delaySeconds: 0 }, { timeoutMs: giveBackMsMax }));
    this.#onGivenBack();
  }

  async #work(): Promise<void> {
    const keeper = this.#keepLease();
    let failure: { error: unknown } | undefined;
    try {
      await this.#parts.handler(this.#message, { signal: this.#controller.signal });
    } catch (error) {
      failure = { error };
    }
    keeper.stop();
    this.#handled = true;
    const settling = this.#parted || this.#message.settled ? Promise.resolve() : this.#settle(failure);
    this.#parts.onHandled();
    await settling;
  }

  #keepLease(): LeaseKeeper {
    const { emitter, timers, visibilityTimeoutSeconds } = this.#parts;
    const keeper = new LeaseKeeper(this.#message, visibilityTimeoutSeconds, timers, {
      onLost: (error) => {
        this.#parted = true;
        this.#controller.abort(error);
        tellError(emitter, error, this.#message);
      },
      onError: (error) => tellError(emitter, error, this.#message),
    });
    this.#controller.signal.addEventListener('abort', () => keeper.stop(), { once: true });
    return keeper;
  }

  async #settle(failure: { error: unknown } | undefined): Promise<void> {
    const { emitter } = this.#parts;
    if (failure) {
      emitter.emit('failed', { message: this.#message, error: failure.error });
      await this.#guarded(this.#message.release({ failed: textOf(failure.error) }));
    } else if (await this.#guarded(this.#message.ack())) {
      emitter.emit('ack', this.#message);
    }
  }

  async #guarded(call: Promise<unknown>): Promise<boolean> {
    try {
      await call;
      return true;
    } catch (error) {
      tellError(this.#parts.emitter, error, this.#message);
      return false;
    }
  }
}

/** An error must be seen: without a listener it goes to the console. */
export function tellError<T>(emitter: Emitter<ConsumerEvents<T>>, error: unknown, message?: ReceivedMessage<T>): void {
  if (!emitter.emit('error', { error, ...(message && { message }) })) console.error('dumbwaiter: consumer:', error);
}

function textOf(error: unknown): string {
  return (error instanceof Error ? error.message || error.name : String(error)) || 'failed';
}
