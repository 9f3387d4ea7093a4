/** Extends the lease of a message while its handler runs. */
import { DumbwaiterError, type ErrorCode } from '../../contract/errors.ts';
import type { ReceivedMessage } from '../calls/received-message.ts';
import type { Timers } from '../calls/timers.ts';

/** Error codes after which the lease is lost for good. */
const lostCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['lease_lost', 'cancelled', 'invalid_receipt', 'queue_not_found']);

export interface LeaseKeeperEvents {
  /** The queue says that the lease is lost. */
  onLost(error: DumbwaiterError): void;
  /** The lease is over by this process's clock and was not extended. The queue may not have given it to another receiver yet. */
  onOver(error: DumbwaiterError): void;
  /** An extension failed, the first in a row. It is retried while the lease lasts. */
  onError(error: unknown): void;
}

/**
 * Keeps one message leased until stopped: extends the lease when half of its visibility timeout is left, and reports when it is
 * over. An attempt may take about half of the remaining lease, so that a hanging attempt leaves time for the next.
 *
 *     lease  |----------- half -----------|-- attempt --|- pause -|- attempt -|...| end: `onOver`
 */
export class LeaseKeeper {
  readonly #message: ReceivedMessage<unknown>;
  readonly #seconds: number;
  readonly #timers: Timers;
  readonly #events: LeaseKeeperEvents;
  /** When the lease ends by this process's clock. If uncertain, too early rather than too late. */
  #endsAt: number;
  /** Attempts that failed since the last success. */
  #failures = 0;
  #stopped = false;
  #cancelExtend: () => void = () => {};
  #cancelEnd: () => void = () => {};

  constructor(
    message: ReceivedMessage<unknown>,
    lease: { seconds: number; endsAt: number },
    timers: Timers,
    events: LeaseKeeperEvents,
  ) {
    this.#message = message;
    this.#seconds = lease.seconds;
    this.#endsAt = lease.endsAt;
    this.#timers = timers;
    this.#events = events;
  }

  /** Whether the lease still holds by this process's clock. */
  get holds(): boolean {
    return this.#leftMs > 0;
  }

  /**
   * Extends a lease that may be over, and returns whether it holds. The queue allows this until another receiver has got the
   * message.
   */
  async renew(): Promise<boolean> {
    await this.#extend(this.#seconds * 250);
    return !this.#stopped && this.holds;
  }

  /** Starts to keep the lease. */
  start(): void {
    this.#plan();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelExtend();
    this.#cancelEnd();
  }

  get #leftMs(): number {
    return this.#endsAt - this.#timers.now();
  }

  #plan(): void {
    const leftMs = this.#leftMs;
    const halfMs = this.#seconds * 500;
    const untilExtendMs = this.#failures > 0 ? leftMs / 4 : Math.max(leftMs - halfMs, leftMs / 2);
    this.#cancelEnd();
    this.#cancelEnd = this.#timers.after(leftMs, () => this.#end());
    this.#cancelExtend = this.#timers.after(untilExtendMs, () => void this.#extendInTime());
  }

  async #extendInTime(): Promise<void> {
    if (this.#message.settled) return;
    // Extensions with the same time-out share a call. So the time-out is the same for all messages while enough time is left.
    await this.#extend(Math.min((this.#seconds * 250) / 2 ** this.#failures, this.#leftMs * 0.6));
    if (!this.#stopped && !this.#message.settled && this.holds) this.#plan();
  }

  async #extend(timeoutMs: number): Promise<void> {
    const startedAt = this.#timers.now();
    try {
      await this.#message.extend(this.#seconds, { timeoutMs });
      this.#endsAt = startedAt + this.#seconds * 1000;
      this.#failures = 0;
    } catch (error) {
      if (this.#stopped || this.#message.settled) return;
      if (error instanceof DumbwaiterError && lostCodes.has(error.code)) {
        this.stop();
        return this.#events.onLost(error);
      }
      if (this.#failures++ === 0) this.#events.onError(error);
    }
  }

  #end(): void {
    if (this.#message.settled) return;
    this.stop();
    this.#events.onOver(
      new DumbwaiterError('lease_lost', 'The lease ended before it was extended: another receiver may have the message.'),
    );
  }
}

/**
 * When a lease ends by this process's clock. `leasedUntil` is by the queue's clock, which may differ. The lease was granted
 * between the start of the call and its answer, so the result is limited to that range.
 */
export function leaseEndsAt(leasedUntil: string, seconds: number, startedAt: number, answeredAt: number): number {
  const givenAt = Date.parse(leasedUntil) - seconds * 1000;
  return Math.min(Math.max(givenAt, startedAt), answeredAt) + seconds * 1000;
}
