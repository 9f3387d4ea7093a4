import type { TransactionWrite } from '../../contract/contract.ts';
import { DumbwaiterError, type ErrorCode } from '../../contract/errors.ts';
import { textOfThrown } from '../../contract/thrown.ts';
import type { ReceivedMessage } from '../calls/received-message.ts';
import type { Timers } from '../calls/timers.ts';
import { type ConsumerEvents, type Emitter, logError } from './events.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { isRejection } from './reject.ts';

export interface HandlerContext {
  /** Aborts when the lease is lost or has ended (reason: DumbwaiterError `lease_lost`), or when the consumer gives the message back. */
  signal: AbortSignal;
}

/** Handled when it returns, failed when it throws, dead-lettered at once when it throws a `Reject`. It may ack or release the message itself. */
export type Handler<T> = (message: ReceivedMessage<T>, context: HandlerContext) => unknown;

/** Of a consumer with `transaction`: what is returned is committed together with the message's ack, or nothing is. */
export type TransactionHandler<T> = (
  message: ReceivedMessage<T>,
  context: HandlerContext,
) => readonly TransactionWrite[] | undefined | Promise<readonly TransactionWrite[] | undefined>;

export interface JobParts<T> {
  handler: Handler<T>;
  /** Acks the message with what its handler returned, in place of a plain ack. */
  commit: ((message: ReceivedMessage<T>, writes: unknown) => Promise<void>) | undefined;
  emitter: Emitter<ConsumerEvents<T>>;
  timers: Timers;
  lease: { seconds: number; endsAt: number };
  /** The handler's place is free again; the ack or release may still be under way. */
  onHandled(): void;
}

/** Refusals of what the handler returned. */
const refusedReturns: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['message_exists', 'invalid_input']);

type Outcome = { returned: unknown } | { error: unknown };

/** How long the calls that give a message back at a stop may take. */
export const giveBackMsMax = 5_000;

/** One message in a consumer's hands: its handler, its lease, and how it ends. */
export class Job<T> {
  readonly #message: ReceivedMessage<T>;
  readonly #parts: JobParts<T>;
  readonly #controller = new AbortController();
  /** The message is no longer this consumer's to settle: the queue says that its lease is lost, or it was given back. */
  #parted = false;
  /** The lease is over by this process's clock. The message may still be acked, if the queue has given it to nobody else. */
  #over = false;
  #handled = false;
  #onGivenBack: () => void = () => {};
  readonly #givenBack = new Promise<void>((resolve) => {
    this.#onGivenBack = resolve;
  });

  constructor(message: ReceivedMessage<T>, parts: JobParts<T>) {
    this.#message = message;
    this.#parts = parts;
  }

  /**
   * Resolves, never rejects, once the message is acked, released, or given back, or its handler ended after it was lost, or the lease was
   * lost before the handler began.
   */
  async run(): Promise<void> {
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
    const keeper = this.#leaseKeeper();
    // The event loop may have stood still since the receive was answered.
    while (!keeper.holds) if (!(await keeper.renew()) || this.#parted) return this.#leave();
    keeper.start();
    this.#parts.emitter.emit('message', this.#message);
    let outcome: Outcome;
    try {
      outcome = { returned: await this.#parts.handler(this.#message, { signal: this.#controller.signal }) };
    } catch (error) {
      outcome = { error };
    }
    keeper.stop();
    this.#handled = true;
    const settling = this.#parted || this.#message.settled ? this.#tellUnused(outcome) : this.#settle(outcome);
    this.#parts.onHandled();
    await settling;
  }

  /** The lease was lost before the handler began, which is not told as `failed`. */
  #leave(): void {
    this.#handled = true;
    this.#parts.onHandled();
  }

  #leaseKeeper(): LeaseKeeper {
    const { timers, lease } = this.#parts;
    const abort = (error: DumbwaiterError) => {
      this.#controller.abort(error);
      this.#tell(error);
    };
    const keeper = new LeaseKeeper(this.#message, lease, timers, {
      onLost: (error) => {
        this.#parted = true;
        abort(error);
      },
      onOver: (error) => {
        this.#over = true;
        abort(error);
      },
      onError: (error) => this.#tell(error),
    });
    this.#controller.signal.addEventListener('abort', () => keeper.stop(), { once: true });
    return keeper;
  }

  async #settle(outcome: Outcome): Promise<void> {
    // After its signal aborted, what the handler throws is a consequence of that.
    if ('error' in outcome) return this.#over ? undefined : this.#fail(outcome.error);
    const { commit } = this.#parts;
    try {
      await (commit ? commit(this.#message, outcome.returned) : this.#message.ack());
    } catch (error) {
      // What the handler returned was refused: as if it had thrown. Else the queue, or the way to it, failed.
      if (commit && (!(error instanceof DumbwaiterError) || refusedReturns.has(error.code))) return this.#fail(error);
      return this.#tell(error);
    }
    this.#parts.emitter.emit('ack', this.#message);
  }

  /** A handler that settled the message itself: what it throws, or returns in vain, changes nothing, but is told. */
  async #tellUnused(outcome: Outcome): Promise<void> {
    if (this.#parted) return;
    if ('error' in outcome) return this.#tell(outcome.error);
    if (!this.#parts.commit || outcome.returned === undefined) return;
    const error = new TypeError('The handler settled the message itself: what it returned is not used.');
    this.#tell(error);
  }

  async #fail(error: unknown): Promise<void> {
    this.#parts.emitter.emit('failed', { message: this.#message, error });
    const isRejected = isRejection(error);
    await this.#guarded(this.#message.release({ failed: textOfThrown(error), ...(isRejected && { deadLetter: true }) }));
  }

  async #guarded(call: Promise<unknown>): Promise<void> {
    await call.catch((error) => this.#tell(error));
  }

  #tell(error: unknown): void {
    tellError(this.#parts.emitter, error, this.#message);
  }
}

/** An error must be seen: without a listener it goes to the console. */
export function tellError<T>(emitter: Emitter<ConsumerEvents<T>>, error: unknown, message?: ReceivedMessage<T>): void {
  if (!emitter.emit('error', { error, ...(message && { message }) })) logError('dumbwaiter: consumer:', error);
}
