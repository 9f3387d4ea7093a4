/** Runs the handler for one message, and settles the message with the outcome. */
import type { TransactionWrite } from '../../contract/contract.ts';
import { DumbwaiterError, type ErrorCode } from '../../contract/errors.ts';
import { textOfThrown } from '../../contract/thrown.ts';
import type { ReceivedMessage } from '../calls/received-message.ts';
import type { Timers } from '../calls/timers.ts';
import { type ConsumerEvents, type Emitter, reportError } from './events.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { isRejection } from './reject.ts';

export interface HandlerContext {
  /** Aborts when the lease is lost or over (reason: DumbwaiterError `lease_lost`), or when the consumer gives the message back. */
  signal: AbortSignal;
}

/**
 * A message is acked when its handler returns, released as failed when it throws, and dead-lettered at once when it throws a
 * `Reject`. The handler may also ack or release the message itself.
 */
export type Handler<T> = (message: ReceivedMessage<T>, context: HandlerContext) => unknown;

/**
 * The handler of a consumer with `transaction`: the writes that it returns are committed together with the message's ack, or
 * neither is.
 */
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
  /** Called when the handler has ended. The ack or release may still be in progress. */
  onHandled(): void;
}

/** Error codes that mean that the queue refused what the handler returned. */
const refusedReturns: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['message_exists', 'invalid_input']);

type Outcome = { returned: unknown } | { error: unknown };

/** How long the calls that give a message back during a stop may take, in ms. */
export const giveBackMsMax = 5_000;

/** One message of a consumer: its handler, its lease, and its ack or release. */
export class Job<T> {
  readonly #message: ReceivedMessage<T>;
  readonly #parts: JobParts<T>;
  readonly #controller = new AbortController();
  /** This consumer must not settle the message any more: the queue says that its lease is lost, or the message was given back. */
  #mustNotSettle = false;
  /** The lease is over by this process's clock. The message can still be acked if no other receiver has got it. */
  #leaseExpired = false;
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
   * Resolves, never rejects, when the message was acked, released or given back. After the lease was lost it resolves when the
   * handler has ended, or at once if the handler has not started.
   */
  async run(): Promise<void> {
    await Promise.race([this.#work(), this.#givenBack]);
  }

  /** Aborts the handler's signal and gives the message back, not as failed. */
  async giveBack(): Promise<void> {
    if (this.#handled || this.#mustNotSettle) return;
    this.#mustNotSettle = true;
    this.#controller.abort(new DOMException('The consumer stops, and gives the message back.', 'AbortError'));
    if (!this.#message.settled) await this.#guarded(this.#message.release({ delaySeconds: 0 }, { timeoutMs: giveBackMsMax }));
    this.#onGivenBack();
  }

  async #work(): Promise<void> {
    const keeper = this.#leaseKeeper();
    // The lease may be over already if the event loop was blocked since the receive was answered.
    while (!keeper.holds) if (!(await keeper.renew()) || this.#mustNotSettle) return this.#abandon();
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
    const settling = this.#mustNotSettle || this.#message.settled ? this.#reportUnused(outcome) : this.#settle(outcome);
    this.#parts.onHandled();
    await settling;
  }

  /** The lease was lost before the handler started, so `failed` is not emitted. */
  #abandon(): void {
    this.#handled = true;
    this.#parts.onHandled();
  }

  #leaseKeeper(): LeaseKeeper {
    const { timers, lease } = this.#parts;
    const abort = (error: DumbwaiterError) => {
      this.#controller.abort(error);
      this.#report(error);
    };
    const keeper = new LeaseKeeper(this.#message, lease, timers, {
      onLost: (error) => {
        this.#mustNotSettle = true;
        abort(error);
      },
      onOver: (error) => {
        this.#leaseExpired = true;
        abort(error);
      },
      onError: (error) => this.#report(error),
    });
    this.#controller.signal.addEventListener('abort', () => keeper.stop(), { once: true });
    return keeper;
  }

  async #settle(outcome: Outcome): Promise<void> {
    // An error that the handler throws after its signal aborted is a consequence of the abort.
    if ('error' in outcome) return this.#leaseExpired ? undefined : this.#fail(outcome.error);
    const { commit } = this.#parts;
    try {
      await (commit ? commit(this.#message, outcome.returned) : this.#message.ack());
    } catch (error) {
      // If the queue refused what the handler returned, the message failed as if the handler had thrown. Otherwise the call
      // failed.
      if (commit && (!(error instanceof DumbwaiterError) || refusedReturns.has(error.code))) return this.#fail(error);
      return this.#report(error);
    }
    this.#parts.emitter.emit('ack', this.#message);
  }

  /** If the handler settled the message itself, its error or unused return value changes nothing, but is reported. */
  async #reportUnused(outcome: Outcome): Promise<void> {
    if (this.#mustNotSettle) return;
    if ('error' in outcome) return this.#report(outcome.error);
    if (!this.#parts.commit || outcome.returned === undefined) return;
    const error = new TypeError('The handler settled the message itself: what it returned is not used.');
    this.#report(error);
  }

  async #fail(error: unknown): Promise<void> {
    this.#parts.emitter.emit('failed', { message: this.#message, error });
    const isRejected = isRejection(error);
    await this.#guarded(this.#message.release({ failed: textOfThrown(error), ...(isRejected && { deadLetter: true }) }));
  }

  async #guarded(call: Promise<unknown>): Promise<void> {
    await call.catch((error) => this.#report(error));
  }

  #report(error: unknown): void {
    reportError(this.#parts.emitter, error, this.#message);
  }
}
