/** Messages as the SDK returns them: received with a lease, or only read. */
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

/** A message as `get` and `peek` return it: not received, and not hidden from receivers. */
export type WaitingMessage<T = unknown> = Omit<Message, 'body' | 'bodyBase64'> & { body: T };

export function waitingMessage<T>({ body, bodyBase64, ...rest }: Message): WaitingMessage<T> {
  return { ...rest, body: bodyOf({ body, bodyBase64 }) as T };
}

/** What happened to a released message: when it can be received again, or that it was dead-lettered. */
export type Released = Exclude<ReleaseResult, Refused>;
export type Extended = Exclude<ExtendResult, Refused>;

/** A message leased to this program until `leasedUntil`. Ack it, release it, or let the lease expire. */
export class ReceivedMessage<T = unknown> {
  declare readonly id: string;
  /** The body as it was published. Bytes are a Uint8Array. */
  readonly body: T;
  declare readonly attributes: Attributes;
  /** Proves the lease. Ack, release and extend require it. */
  declare readonly receipt: string;
  /** How often it was received in this queue, including this receive. */
  declare readonly receives: number;
  /** How many of these receives ended in `release({failed})` or in an expired lease. */
  declare readonly failures: number;
  declare readonly priority: number;
  /** The group that it belongs to; undefined if none. */
  declare readonly group: string | undefined;
  /** When it was published: RFC 3339 with milliseconds. */
  declare readonly publishedAt: string;
  /** When it was first received in this queue. Undefined if an earlier version of the queue gave that receive. */
  declare readonly firstReceivedAt: string | undefined;
  /** When the lease ends by the queue's clock: RFC 3339 with milliseconds. `extend` changes it. */
  declare leasedUntil: string;
  /** What happened to it before it was dead-lettered into this queue. */
  declare readonly deadLetter: DeathRecord | undefined;
  /** Whether it was acked or released through this object, or such a call is in progress. */
  settled = false;
  /** Whether it was acked through this object, or the ack is in progress. */
  acked = false;

  readonly #queue: string;
  readonly #leases: Leases;
  /** The visibility timeout that its receive asked for; undefined: the queue's. */
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
   * Acks the message: it is never received again. Acks of the same turn share a call. `result` is any JSON value of at most 64
   * KiB. If the queue keeps results (`keep.doneSeconds`), it can be read by id and is the reply to `queue.call`.
   * @throws DumbwaiterError `lease_lost` if the message was received by another, released or removed; `cancelled` if it was
   * cancelled. An expired lease alone is no error.
   */
  async ack(options?: CallOptions & { result?: Json }): Promise<void> {
    this.acked = true;
    try {
      await this.#settle(this.#leases.ack(this.#queue, [this], options));
    } catch (error) {
      this.acked = false;
      throw error;
    }
  }

  /**
   * Returns entries for your own TransactWriteItems: the message is acked together with your writes, or not at all. This call
   * itself acks nothing. If the lease is lost by then, or the message is done, the transaction is cancelled:
   * `refusalOfTransaction` then returns `lease_lost`.
   * Messages published together may share a row, and a transaction takes one entry per row: use `queue.ackItems` for several
   * messages.
   */
  ackItems(options: CallOptions & ItemsOptions & { document: true }): Promise<DocumentItem[]>;
  ackItems(options?: CallOptions & ItemsOptions): Promise<LowLevelItem[]>;
  ackItems(options: CallOptions & ItemsOptions = {}): Promise<LowLevelItem[] | DocumentItem[]> {
    return this.#leases.ackItems(this.#queue, [this.receipt], options);
  }

  /**
   * Gives the message back before its lease ends: at once, after `delaySeconds`, or, with `failed`, after the queue's backoff.
   * With `deadLetter`, moves it to the dead-letter queue.
   * @throws DumbwaiterError `lease_lost` if the lease is lost; also if a retry repeats a release that already succeeded
   */
  async release(input?: ReleaseInput, options?: CallOptions): Promise<Released> {
    return this.#settle(this.#leases.release(this.#queue, [this], input, options));
  }

  /**
   * Sets the end of the lease to `visibilityTimeoutSeconds` from now (0 s to 365 days; default: the queue's).
   * @throws DumbwaiterError `lease_lost` if the lease is lost, `cancelled` if the message was cancelled
   */
  extend(visibilityTimeoutSeconds?: number, options?: CallOptions): Promise<Extended> {
    return this.#extend(visibilityTimeoutSeconds === undefined ? {} : { visibilityTimeoutSeconds }, options);
  }

  /**
   * Reports progress from 0 to 1, for readers of the message. It also extends the lease: to a whole visibility timeout (of the
   * receive, or else the queue's) from now.
   * @throws DumbwaiterError `lease_lost` if the lease is lost, `cancelled` if the message was cancelled
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
