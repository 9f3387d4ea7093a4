import type {
  Attributes,
  DeathRecord,
  ExtendResult,
  InputOf,
  Json,
  Message,
  Refused,
  ReleaseResult,
  ReceivedMessage as WireReceivedMessage,
} from '../../contract/contract.ts';
import { accepted } from './batch-results.ts';
import type { CallOptions } from './caller.ts';
import { bodyOf } from './content.ts';
import type { Leases, ReleaseInput } from './leases.ts';
import type { DocumentItem, ItemsOptions, LowLevelItem } from './transactions.ts';

/** A message as `get` and `peek` show it: not received, not hidden from anyone. */
export type WaitingMessage<T = unknown> = Omit<Message, 'body' | 'bodyBase64'> & { body: T };

export function waitingMessage<T>({ body, bodyBase64, ...rest }: Message): WaitingMessage<T> {
  return { ...rest, body: bodyOf({ body, bodyBase64 }) as T };
}

/** What became of a released message: when it can be received again, or that this failure was its last here. */
export type Released = Exclude<ReleaseResult, Refused>;
export type Extended = Exclude<ExtendResult, Refused>;

/** A message that is leased to this program until `leasedUntil`: ack it, release it, or let the lease expire. */
export class ReceivedMessage<T = unknown> {
  declare readonly id: string;
  /** Bytes come as Uint8Array. */
  readonly body: T;
  declare readonly attributes: Attributes;
  /** Proves the lease. */
  declare readonly receipt: string;
  /** How often it was received in this queue, this time included. */
  declare readonly receives: number;
  /** How many of those ended in `release({failed})` or in an expired lease. */
  declare readonly failures: number;
  declare readonly priority: number;
  /** The group in which it is, and holds up the others. */
  declare readonly group: string | undefined;
  /** RFC 3339, milliseconds. */
  declare readonly publishedAt: string;
  /** RFC 3339, milliseconds, by the queue's clock; `extend` moves it. */
  declare leasedUntil: string;
  /** What became of it before it was dead-lettered into this queue. */
  declare readonly deadLetter: DeathRecord | undefined;
  /** Whether it was acked or released through this object, or is about to be. */
  settled = false;

  readonly #queue: string;
  readonly #leases: Leases;
  /** As its receive asked for; undefined: the queue's. */
  readonly #visibilityTimeoutSeconds: number | undefined;

  constructor(queue: string, wire: WireReceivedMessage, leases: Leases, visibilityTimeoutSeconds?: number) {
    const { body: _, bodyBase64: __, ...shown } = wire;
    Object.assign(this, { priority: 0, ...shown });
    this.body = bodyOf(wire) as T;
    this.#queue = queue;
    this.#leases = leases;
    this.#visibilityTimeoutSeconds = visibilityTimeoutSeconds;
  }

  /**
   * Done: it never comes again. Acks of the same turn share a call. `result`, any JSON value of at most 64 KiB, can be read by id, and is
   * the reply to `queue.call`, where the queue keeps results (`keep.doneSeconds`).
   * @throws DumbwaiterError `lease_lost` when the lease expired and the message went elsewhere
   */
  async ack(options?: CallOptions & { result?: Json }): Promise<void> {
    await this.#settle(this.#leases.ack(this.#queue, [this.receipt], options));
  }

  /**
   * Entries for a TransactWriteItems of your own: the message is acked with what else it writes, or not at all. This call acks nothing. A
   * lease that is lost by then, or a message that is done, cancels the transaction: `refusalOfTransaction` names that `lease_lost`.
   * Messages that were published together may share a row, of which a transaction takes one entry: use `queue.ackItems` for several.
   */
  ackItems(options: CallOptions & ItemsOptions & { document: true }): Promise<DocumentItem[]>;
  ackItems(options?: CallOptions & ItemsOptions): Promise<LowLevelItem[]>;
  ackItems(options: CallOptions & ItemsOptions = {}): Promise<LowLevelItem[] | DocumentItem[]> {
    return this.#leases.ackItems(this.#queue, [this.receipt], options);
  }

  /**
   * Gives it back before its lease ends: at once, after `delaySeconds`, or, with `failed`, after the queue's backoff; with `deadLetter`, to
   * the dead-letter queue.
   * @throws DumbwaiterError `lease_lost` when the lease is another's; also when a retry repeats a release that was done
   */
  async release(input?: ReleaseInput, options?: CallOptions): Promise<Released> {
    return this.#settle(this.#leases.release(this.#queue, [this.receipt], input, options));
  }

  /**
   * Makes the lease end `visibilityTimeoutSeconds` from now (0 s to 365 days; default: the queue's).
   * @throws DumbwaiterError `lease_lost` when the lease is another's
   */
  extend(visibilityTimeoutSeconds?: number, options?: CallOptions): Promise<Extended> {
    return this.#extend(visibilityTimeoutSeconds === undefined ? {} : { visibilityTimeoutSeconds }, options);
  }

  /**
   * Tells how far the work is, from 0 to 1, for those who look at the message. It is a heartbeat, too: the lease ends a whole visibility
   * timeout (of the receive, or the queue's) from now.
   * @throws DumbwaiterError `lease_lost` when the lease is another's
   */
  progress(progress: number, options?: CallOptions): Promise<Extended> {
    const seconds = this.#visibilityTimeoutSeconds;
    return this.#extend({ progress, ...(seconds !== undefined && { visibilityTimeoutSeconds: seconds }) }, options);
  }

  async #extend(input: Omit<InputOf<'extend'>, 'receipts'>, options?: CallOptions): Promise<Extended> {
    const [result] = this.#leases.extend(this.#queue, [this.receipt], input, options);
    const extended = accepted(await (result as Promise<ExtendResult>));
    this.leasedUntil = extended.leasedUntil;
    return extended;
  }

  async #settle<Result extends { ok: boolean }>([result]: Promise<Result>[]): Promise<Exclude<Result, Refused>> {
    this.settled = true;
    try {
      return accepted(await (result as Promise<Result>));
    } catch (error) {
      this.settled = false;
      throw error;
    }
  }
}
