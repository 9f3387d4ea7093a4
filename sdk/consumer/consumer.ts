/** The consumer's loop. `sdk/consumer/` holds what runs a handler on a queue: start here. job.ts handles one message. */
import { visibilityTimeoutSecondsDefault } from '../../contract/limits.ts';
import { checkNames, type Names } from '../../contract/names.ts';
import type { CallOptions } from '../calls/caller.ts';
import type { ReceivedMessage } from '../calls/received-message.ts';
import type { Timers } from '../calls/timers.ts';
import { type ConsumerEvents, Emitter, Outage } from './events.ts';
import type { Handler } from './job.ts';
import { type GroupTerms, hasNeighbours, Jobs } from './jobs.ts';
import { leaseEndsAt } from './lease-keeper.ts';
import { type ConsumerOptions, type ConsumerPlan, planOf } from './options.ts';
import { Pace } from './pace.ts';
import type { WakeSource } from './wake-listener.ts';

export type { Handler, HandlerContext, TransactionHandler } from './job.ts';
export type { ConsumerOptions } from './options.ts';

export interface StopOptions {
  /** How long handlers may take to finish, in ms, before their messages are given back. Default 30,000. */
  deadlineMs?: number;
}

const stopNames: Names<StopOptions> = { deadlineMs: true };

export const stopDeadlineMsDefault = 30_000;
/** The end of a stop's deadline is reserved for giving messages back: half of the deadline, at most this. */
export const giveBackReserveMsMax = 2_000;
/** How long a stop waits for an open receive before it disconnects. A receive that has found messages answers within this time. */
export const hangUpMs = 100;

/** How long received messages wait for the settings of their queue. */
const termsMsMax = 2_000;

/** The settings of the queue that a consumer goes by. */
export type QueueTerms = GroupTerms & { visibilityTimeoutSeconds: number };

/** The queue's operations that a consumer needs. */
export interface ConsumerSource<T> {
  receive(
    input: { max: number; visibilityTimeoutSeconds: number; waitSeconds: number },
    options: CallOptions,
  ): Promise<{ messages: ReceivedMessage<T>[]; waitIsCheap: boolean; wakeUrl: string | undefined }>;
  /** Undefined: the transport offers no wake-ups. */
  wake?: WakeSource | undefined;
  settings(options: CallOptions): Promise<QueueTerms>;
  /** Acks a message together with what its handler returned. Undefined: acks are plain. */
  commit?: (message: ReceivedMessage<T>, writes: unknown) => Promise<void>;
  /** Sends the acks, releases and extensions that wait to share a call. */
  flush(): void;
}

/**
 * Runs a handler on a queue's messages. It receives as many messages as it has free handlers, and extends their leases while
 * the handlers run. It acks handled messages in batches, and releases failed ones with the error's message. At least once: a
 * handler may get a message again.
 *
 * No error ends a consumer. It retries soon after a transient error. Other errors last until someone acts (a revoked key, a
 * deleted queue): then it retries up to once a minute, and so recovers by itself.
 * While receives fail, `error` is emitted once for each kind of error, and `recovered` once when they succeed again. To end on
 * errors, call `stop` from an `error` listener.
 */
export class Consumer<T = unknown> {
  /** Resolves when the consumer has stopped and holds no messages; never rejects. */
  readonly done: Promise<void>;
  readonly #plan: ConsumerPlan;
  readonly #timers: Timers;
  readonly #source: ConsumerSource<T>;
  readonly #pace: Pace;
  readonly #emitter = new Emitter<ConsumerEvents<T>>();
  readonly #outage: Outage<T>;
  readonly #jobs: Jobs<T>;
  /** Aborted: start no new receive. */
  readonly #stopping = new AbortController();
  /** Aborted: disconnect the open receive, if the server notices a disconnect. */
  readonly #hangingUp = new AbortController();
  /** Aborted: disconnect the open receive in any case, and give all messages back. */
  readonly #ending = new AbortController();
  #idle = false;
  /** Undefined: not read yet. */
  #terms: QueueTerms | undefined;
  #onFree: () => void = () => {};

  constructor(
    handler: Handler<T>,
    options: ConsumerOptions,
    timers: Timers,
    sourceWith: (lingerMs: number) => ConsumerSource<T>,
  ) {
    this.#plan = planOf(options);
    this.#timers = timers;
    this.#source = sourceWith(this.#plan.lingerMs);
    this.#pace = new Pace(this.#plan, timers, options.wake ? this.#source.wake : undefined);
    this.#outage = new Outage(this.#emitter, timers);
    this.#jobs = new Jobs({
      handler,
      commit: this.#source.commit,
      emitter: this.#emitter,
      timers,
      stopping: this.#stopping.signal,
      flush: () => this.#source.flush(),
      onFree: () => this.#onFree(),
    });
    const { signal } = options;
    if (signal?.aborted) this.#stopping.abort();
    this.done = this.#run();
    const abort = () => void this.stop({ deadlineMs: 0 });
    signal?.addEventListener('abort', abort, { once: true });
    void this.done.then(() => signal?.removeEventListener('abort', abort));
  }

  /** Listens to an event. Returns a function that removes the listener. */
  on<Name extends keyof ConsumerEvents<T>>(name: Name, listener: (event: ConsumerEvents<T>[Name]) => void): () => void {
    return this.#emitter.on(name, listener);
  }

  /** The number of handlers that run now. */
  get running(): number {
    return this.#jobs.running;
  }

  /**
   * Stops receiving. Resolves when no message is held, at the latest after the deadline. Running handlers may finish.
   * Shortly before the deadline the signals of the remaining handlers abort, and their messages are given back, not as failed.
   * Messages that an open receive still returns are given back too.
   * An open receive is disconnected after a moment if the server notices a disconnect. Otherwise it may answer until the
   * deadline, because messages that it returns after a disconnect stay leased until their visibility timeout.
   * `deadlineMs: 0` gives everything back at once. A second call can only make the stop faster.
   */
  async stop(options: StopOptions = {}): Promise<void> {
    checkNames('stop', options, stopNames);
    const { deadlineMs = stopDeadlineMsDefault } = options;
    this.#stopping.abort();
    this.#onFree();
    this.#pace.stop();
    this.#source.flush();
    if (deadlineMs <= 0) this.#end();
    const cancelHangUp = this.#timers.after(hangUpMs, () => this.#hangingUp.abort());
    const reserveMs = Math.min(giveBackReserveMsMax, deadlineMs / 2);
    const cancelEnd = this.#timers.after(deadlineMs - reserveMs, () => this.#end());
    let cancelCut = () => {};
    const cut = new Promise<void>((resolve) => {
      cancelCut = this.#timers.after(deadlineMs, resolve);
    });
    await Promise.race([this.done, cut]);
    cancelHangUp();
    cancelEnd();
    cancelCut();
  }

  async #run(): Promise<void> {
    const seconds = await this.#visibilityTimeout();
    while (seconds !== undefined && !this.#stopping.signal.aborted) {
      const max = await this.#waitForCapacity();
      if (max > 0) await this.#poll(max, seconds);
    }
    await this.#jobs.settled();
  }

  async #poll(max: number, seconds: number): Promise<void> {
    const startedAt = this.#timers.now();
    const { signal } = this.#pace.noticesDisconnect ? this.#hangingUp : this.#ending;
    let pause: Promise<void>;
    try {
      const { messages, waitIsCheap, wakeUrl } = await this.#source.receive(
        { max, visibilityTimeoutSeconds: seconds, waitSeconds: this.#pace.waitSeconds() },
        { retries: 0, signal },
      );
      const answered = this.#timers.now();
      const terms = hasNeighbours(messages) ? await this.#groupTerms() : {};
      this.#jobs.start(messages, terms, ({ leasedUntil }) => ({
        seconds,
        endsAt: leaseEndsAt(leasedUntil, seconds, startedAt, answered),
      }));
      this.#outage.ended();
      pause = this.#pace.answered({ messages: messages.length, tookMs: answered - startedAt, waitIsCheap, wakeUrl });
      this.#reportIdle(messages.length === 0);
    } catch (error) {
      if (signal.aborted) return;
      this.#outage.failed(error);
      pause = this.#pace.failed(error);
    }
    await pause;
  }

  /** Waits for at least one free handler, and a little longer for half a batch. Returns 0 when the consumer is stopping. */
  async #waitForCapacity(): Promise<number> {
    const { concurrency, batch, lingerMs } = this.#plan;
    const free = () => Math.min(batch, concurrency - this.#jobs.running);
    while (free() < 1 && !this.#stopping.signal.aborted) await this.#waitUntilFree();
    const until = this.#timers.now() + lingerMs;
    while (free() < Math.ceil(batch / 2) && !this.#stopping.signal.aborted) {
      const leftMs = until - this.#timers.now();
      if (leftMs <= 0) break;
      await this.#waitUntilFree(leftMs);
    }
    return this.#stopping.signal.aborted ? 0 : free();
  }

  #waitUntilFree(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const cancelTimer = ms === undefined ? () => {} : this.#timers.after(ms, resolve);
      this.#onFree = () => {
        cancelTimer();
        resolve();
      };
    });
  }

  #end(): void {
    this.#hangingUp.abort();
    this.#ending.abort();
    this.#jobs.giveBack();
    this.#source.flush();
  }

  async #visibilityTimeout(): Promise<number | undefined> {
    if (this.#plan.visibilityTimeoutSeconds !== undefined) return this.#plan.visibilityTimeoutSeconds;
    while (!this.#stopping.signal.aborted) {
      try {
        return (await this.#readTerms()).visibilityTimeoutSeconds || visibilityTimeoutSecondsDefault;
      } catch (error) {
        if (this.#stopping.signal.aborted) break;
        this.#outage.failed(error);
        await this.#pace.failed(error);
      }
    }
    return undefined;
  }

  async #readTerms(options: CallOptions = {}): Promise<QueueTerms> {
    this.#terms = await this.#source.settings({ ...options, retries: 0, signal: this.#stopping.signal });
    return this.#terms;
  }

  /** Whether groups are in order. If that cannot be read soon, they are handled in order. */
  async #groupTerms(): Promise<GroupTerms> {
    return this.#terms ?? this.#readTerms({ timeoutMs: termsMsMax }).catch(() => ({}));
  }

  #reportIdle(empty: boolean): void {
    if (!empty) this.#idle = false;
    else if (!this.#idle && this.#jobs.size === 0 && !this.#stopping.signal.aborted) {
      this.#idle = true;
      this.#emitter.emit('idle', undefined);
    }
  }
}
