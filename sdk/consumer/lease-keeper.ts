import { DumbwaiterError, type ErrorCode } from '../../contract/errors.ts';
import type { ReceivedMessage } from '../calls/received-message.ts';
import type { Timers } from '../calls/timers.ts';

/** After these, the lease is gone, and nothing brings it back. */
const lostCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['lease_lost', 'cancelled', 'invalid_receipt', 'queue_not_found']);

export interface LeaseKeeperEvents {
  /** The queue says that the lease is gone. */
  onLost(error: DumbwaiterError): void;
  /** The lease is over by this process's clock, and nothing extended it. The queue may not have given the message to another yet. */
  onOver(error: DumbwaiterError): void;
  /** An extension failed, the first of a row of failures. It is tried again while the lease lasts. */
  onError(error: unknown): void;
}

/**
 * Keeps one message leased until stopped: extends the lease when half of its visibility timeout is left, and says when it has ended.
 * An attempt may take about half of what is left of the lease, so one that hangs leaves time for the next.
 *
 *     lease  |----------- half -----------|-- attempt --|- pause -|- attempt -|...| end: `onOver`
 */
export class LeaseKeeper {
  readonly #message: ReceivedMessage<unknown>;
  readonly #seconds: number;
  readonly #timers: Timers;
  readonly #events: LeaseKeeperEvents;
  /** When the lease ends, by the clock of this process. Early rather than late. */
  #endsAt: number;
  /** Attempts that failed since the last one that succeeded. */
  #failures = 0;
  #stopped = false;
  #callOffExtend: () => void = () => {};
  #callOffEnd: () => void = () => {};

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

  /** Whether the lease holds by this process's clock. */
  get holds(): boolean {
    return this.#leftMs > 0;
  }

  /** Extends a lease that may be over. Answers whether it is ours: the queue allows it as long as it has given the message to nobody else. */
  async renew(): Promise<boolean> {
    await this.#extend(this.#seconds * 250);
    return !this.#stopped && this.holds;
  }

  /** Begins to keep the lease. */
  start(): void {
    this.#plan();
  }

  stop(): void {
    this.#stopped = true;
    this.#callOffExtend();
    this.#callOffEnd();
  }

  get #leftMs(): number {
    return this.#endsAt - this.#timers.now();
  }

  #plan(): void {
    const leftMs = this.#leftMs;
    const halfMs = this.#seconds * 500;
    const untilExtendMs = this.#failures > 0 ? leftMs / 4 : Math.max(leftMs - halfMs, leftMs / 2);
    this.#callOffEnd();
    this.#callOffEnd = this.#timers.after(leftMs, () => this.#end());
    this.#callOffExtend = this.#timers.after(untilExtendMs, () => void this.#extendInTime());
  }

  async #extendInTime(): Promise<void> {
    if (this.#message.settled) return;
    // Extensions with the same time-out share a call, so it is the same for all messages as long as there is time.
    await this.#extend(Math.min((this.#seconds * 250) / 2 ** this.#failures, this.#leftMs * 0.6));
    if (!this.#stopped && !this.#message.settled && this.holds) this.#plan();
  }

  async #extend(timeoutMs: number): Promise<void> {
    const begunAt = this.#timers.now();
    try {
      await this.#message.extend(this.#seconds, { timeoutMs });
      this.#endsAt = begunAt + this.#seconds * 1000;
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
      new DumbwaiterError('lease_lost', 'The lease ended before it was extended: another may have the message.'),
    );
  }
}

/**
 * When a lease ends, by the clock of this process. `leasedUntil` is by the queue's clock, which may be off from ours. It is trusted as far
 * as the call bears it out: the lease was given between the call's start and its answer.
 */
export function leaseEndsAt(leasedUntil: string, seconds: number, begunAt: number, answeredAt: number): number {
  const givenAt = Date.parse(leasedUntil) - seconds * 1000;
  return Math.min(Math.max(givenAt, begunAt), answeredAt) + seconds * 1000;
}
