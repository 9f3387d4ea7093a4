/** Implements `QueueClient.call`. */
import type { Json, Message, OutputOf } from '../../contract/contract.ts';
import { DumbwaiterError, invalidInput } from '../../contract/errors.ts';
import { waitSecondsMax } from '../../contract/limits.ts';
import { accepted } from '../calls/batch-results.ts';
import type { Caller, CallOptions } from '../calls/caller.ts';
import type { Leases } from '../calls/leases.ts';
import { entryOf, type NewMessage, type Publisher } from '../calls/publisher.ts';
import { sleep, type Timers } from '../calls/timers.ts';
import type { Tracing } from '../calls/tracing.ts';
import { ResultListener } from './result-listener.ts';

export interface CallInput extends Pick<NewMessage, 'id' | 'attributes' | 'delaySeconds' | 'priority'> {
  /** How long to wait for the result, in seconds. Default 30. */
  timeoutSeconds?: number;
}

export const callTimeoutSecondsDefault = 30;
/** How long the last read of the result may take beyond the time-out, in ms, retries included. */
const lastReadMsMax = 5_000;
/** How long the first read waits at the server before the client listens on a connection for wake-ups, where there is one. */
const firstWaitSeconds = 1;

type Waited = OutputOf<'getMessage'>;

/** Requests and replies: a message is published, its receiver acks it with a result, and that result is the reply. */
export class Requests {
  readonly #caller: Caller;
  readonly #timers: Timers;
  readonly #tracing: Tracing;
  readonly #listener: ResultListener;
  /** Whether the server offers wake-ups, for all that is known. */
  #mayListen: boolean;
  /** Queues that are known to keep results. */
  readonly #keeping = new Set<string>();

  constructor(caller: Caller, timers: Timers, tracing: Tracing) {
    this.#caller = caller;
    this.#timers = timers;
    this.#tracing = tracing;
    this.#listener = new ResultListener(caller, timers);
    this.#mayListen = caller.canBeWoken;
  }

  /** Returns the result given with the ack; undefined if there was none. Throws DumbwaiterError as `QueueClient.call` documents. */
  async call(queue: string, body: unknown, input: CallInput = {}, options: CallOptions = {}): Promise<Json | undefined> {
    // The id lets a retried publish find the message of the first attempt.
    const { timeoutSeconds = callTimeoutSecondsDefault, id = crypto.randomUUID(), ...rest } = input;
    const entry = entryOf({ body, id, ...rest });
    const deadline = this.#timers.now() + timeoutSeconds * 1000;
    await this.#checkKeeps(queue, options);
    const [published] = this.#tracing.publish('publish', queue, [entry], (messages) => [
      this.#caller.call('publish', { queue }, { messages }, options).then(({ results }) => results[0]!),
    ]);
    accepted(await published!);
    // Most replies come soon, and a listen costs more than a short wait.
    let waitSecondsNext = this.#mayListen ? firstWaitSeconds : waitSecondsMax;
    for (;;) {
      const leftMs = deadline - this.#timers.now();
      const waitSeconds = Math.max(0, Math.min(waitSecondsNext, Math.floor(leftMs / 1000)));
      waitSecondsNext = waitSecondsMax;
      const message = await this.#readMessage(queue, id, waitSeconds, options);
      if (isOver(message, queue)) return resultOf(message, queue);
      const restMs = deadline - this.#timers.now();
      if (restMs <= 0) return this.#giveUp(queue, id, timeoutSeconds, options);
      if (waitSeconds > 0) this.#mayListen = message.wakeUrl !== undefined;
      if (message.wakeUrl !== undefined) {
        const ended = await this.#untilTold(message.wakeUrl, queue, id, deadline, options);
        if (ended) return resultOf(ended, queue);
      } else if (waitSeconds === 0) await sleep(this.#timers, restMs, options.signal);
    }
  }

  /**
   * Waits on the connection for wake-ups until the message has ended, until the deadline, or until the connection is lost. Returns the
   * message if it has ended.
   */
  async #untilTold(
    wakeUrl: string,
    queue: string,
    id: string,
    deadline: number,
    options: CallOptions,
  ): Promise<Message | undefined> {
    const wait = this.#listener.listen(wakeUrl, queue, id);
    if (wait === undefined) return undefined;
    const over = new AbortController();
    const abort = () => over.abort(options.signal?.reason);
    if (options.signal?.aborted) abort();
    options.signal?.addEventListener('abort', abort, { once: true });
    try {
      const time = sleep(this.#timers, deadline - this.#timers.now(), over.signal);
      time.catch(() => {});
      if (!(await Promise.race([wait.listening, time]))) return undefined;
      const message = await this.#readMessage(queue, id, 0, options);
      if (isOver(message, queue)) return message;
      await Promise.race([wait.told, time]);
    } finally {
      options.signal?.removeEventListener('abort', abort);
      over.abort();
      wait.end();
    }
    return undefined;
  }

  #readMessage(queue: string, id: string, waitSeconds: number, options: CallOptions): Promise<Waited> {
    return this.#caller.call('getMessage', { queue, id }, { waitSeconds }, { timeoutMs: lastReadMsMax, ...options });
  }

  /** Cancels the request, because no caller waits for it any more, unless a receiver is handling it. */
  async #giveUp(queue: string, id: string, timeoutSeconds: number, options: CallOptions): Promise<Json | undefined> {
    const late = (more: string) =>
      new DumbwaiterError('call_timeout', `The request ${id} had no result within ${timeoutSeconds} s; ${more}.`);
    try {
      await this.#caller.call('cancelMessage', { queue, id }, {}, options);
    } catch (error) {
      if (!(error instanceof DumbwaiterError)) throw error;
      if (error.code === 'message_leased') throw late('it is being handled');
      if (error.code !== 'message_not_found') throw late(`whether it is still waiting is unknown: ${error.message}`);
      const message = await this.#readMessage(queue, id, 0, options);
      if (isOver(message, queue)) return resultOf(message, queue);
      throw late('it is still waiting');
    }
    throw late('it was not received in time, and was cancelled');
  }

  /** Without kept results the caller would wait in vain. Checked once for each queue, because the call also counts messages. */
  async #checkKeeps(queue: string, options: CallOptions): Promise<void> {
    if (this.#keeping.has(queue)) return;
    const { keep } = await this.#caller.call('getQueue', { queue }, {}, options);
    if (!keep?.doneSeconds) {
      throw invalidInput(`The queue "${queue}" keeps no results: set keep.doneSeconds, so that it can be called.`);
    }
    this.#keeping.add(queue);
  }
}

/** Whether the request has ended, or has moved to the dead-letter queue. */
function isOver(message: Message, queue: string): boolean {
  return message.endedAt !== undefined || message.queue !== queue;
}

function resultOf(message: Message, queue: string): Json | undefined {
  const { id, state, result, deadLetter } = message;
  if (message.queue === queue && state === 'done') return result;
  if (state === 'cancelled') throw new DumbwaiterError('cancelled', `The request ${id} was cancelled.`);
  const why = deadLetter
    ? `${deadLetter.text ?? 'without a failure text'} (${deadLetter.reason}; it is in the queue "${message.queue}")`
    : 'it was not handled before it was too old';
  throw new DumbwaiterError('message_dead', `The request ${id} was given up: ${why}`);
}

/** The parts that all queues of one client share. The client passes them to the objects that it creates. */
export interface Connection {
  caller: Caller;
  publisher: Publisher;
  leases: Leases;
  requests: Requests;
  timers: Timers;
  tracing: Tracing;
}
