import { DumbwaiterError, type ErrorCode } from './errors.ts';
import type { ReceivedMessage } from './message.ts';
import type { Timers } from './timers.ts';

/** After these, the lease is gone, and nothing brings it back. */
const lostCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['lease_lost', 'cancelled', 'invalid_receipt', 'queue_not_found']);

export interface LeaseKeeperEvents {
  /** The message is another's now, or gone. */
  onLost(error: DumbwaiterError): void;
  /** One extension failed; it is tried again while the lease may still stand. */
  onError(error: unknown): void;
}

/** Keeps one message leased: extends it when half of its visibility timeout has passed, until stopped. */
export class LeaseKeeper {
  readonly #message: ReceivedMessage<unknown>;
  readonly #seconds: number;
  readonly #timers: Timers;
  readonly #events: LeaseKeeperEvents;
  #stopped = false;
  #callOff: () => void = () => {};

  constructor(message: ReceivedMessage<unknown>, seconds: number, timers: Timers, events: LeaseKeeperEvents) {
    this.#message = message;
    this.#seconds = seconds;
    this.#timers = timers;
    this.#events = events;
    this.#extendAt(timers.now() + this.#halfMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#callOff();
  }

  get #halfMs(): number {
    return this.#seconds * 500;
  }

  #extendAt(instant: number): void {
    this.#callOff = this.#timers.after(instant - this.#timers.now(), () => void this.#extend());
  }

  async #extend(): Promise<void> {
    const begun = this.#timers.now();
    let next = begun + this.#halfMs;
    try {
      // The lease is half over: an answer that comes later than its end is none.
      await this.#message.extend(this.#seconds, { timeoutMs: this.#halfMs });
    } catch (error) {
      if (this.#stopped || this.#message.settled) return;
      if (error instanceof DumbwaiterError && lostCodes.has(error.code)) return this.#events.onLost(error);
      this.#events.onError(error);
      next = this.#timers.now() + this.#halfMs / 2;
    }
    if (!this.#stopped && !this.#message.settled) this.#extendAt(next);
  }
}
