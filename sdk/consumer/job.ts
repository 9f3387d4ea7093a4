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
  /** Aborted when the consumer stops: a message that still waits for another is given back. */
  stopping: AbortSignal;
  /** The message before it in its group: whether it was handled. Undefined if this message waits for no other. */
  before: Promise<boolean> | undefined;
  /**
   * Called once, when the handler has ended or will not start. The ack or release may still be in progress. `isDone`: whether the
   * message was handled, so that the next one of its group may follow.
   */
  onHandled(isDone: boolean | Promise<boolean>): void;
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
    const { before, stopping } = this.#parts;
    if (before && (!(await before) || stopping.aborted)) {
      keeper.stop();
      return this.#skip();
    }
    if (this.#mustNotSettle || this.#leaseExpired) return this.#abandon();
    this.#parts.emitter.emit('message', this.#message);
    let outcome: Outcome;
    try {
      outcome = { returned: await this.#parts.handler(this.#message, { signal: this.#controller.signal }) };
    } catch (error) {
      outcome = { error };
    }
    keeper.stop();
    this.#handled = true;
    const isOver = this.#mustNotSettle || this.#message.settled;
    const settling = isOver ? this.#reportUnused(outcome) : this.#settle(outcome);
    // An ack may share a call with that of the next message. Writes that are committed with it must be there before.
    const mayFollow = isOver || this.#parts.commit !== undefined || 'error' in outcome ? settling : true;
    this.#parts.onHandled(mayFollow);
    await settling;
  }

  /** Gives the message back unhandled: in a group, nothing may overtake a message that was not handled. */
  async #skip(): Promise<void> {
    this.#handled = true;
    const mayRelease = !this.#mustNotSettle && !this.#leaseExpired;
    const released = mayRelease ? this.#guarded(this.#message.release({ delaySeconds: 0 })) : undefined;
    this.#parts.onHandled(false);
    await released;
  }

  /** The lease was lost before the handler started, so `failed` is not emitted. */
  #abandon(): void {
    this.#handled = true;
    this.#parts.onHandled(false);
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

  /** Returns whether the message was handled. */
  async #settle(outcome: Outcome): Promise<boolean> {
    if ('error' in outcome) {
      // An error that the handler throws after its signal aborted is a consequence of the abort.
      if (!this.#leaseExpired) await this.#fail(outcome.error);
      return false;
    }
    const { commit } = this.#parts;
    try {
      await (commit ? commit(this.#message, outcome.returned) : this.#message.ack());
    } catch (error) {
      // If the queue refused what the handler returned, the message failed as if the handler had thrown. Otherwise the call
      // failed.
      if (commit && (!(error instanceof DumbwaiterError) || refusedReturns.has(error.code))) await this.#fail(error);
      else this.#report(error);
      return false;
    }
    this.#parts.emitter.emit('ack', this.#message);
    return true;
  }

  /**
   * If the handler settled the message itself, its error or unused return value changes nothing, but is reported. Returns whether the
   * message was acked.
   */
  async #reportUnused(outcome: Outcome): Promise<boolean> {
    if (this.#mustNotSettle) return false;
    if ('error' in outcome) this.#report(outcome.error);
    else if (this.#parts.commit && outcome.returned !== undefined) {
      this.#report(new TypeError('The handler settled the message itself: what it returned is not used.'));
    }
    return this.#message.acked;
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
