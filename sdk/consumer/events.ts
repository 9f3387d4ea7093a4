/** The events of a consumer, and an emitter that works on every host. */

import { DumbwaiterError } from '../../contract/errors.ts';
import { textOfThrown } from '../../contract/thrown.ts';
import type { ReceivedMessage } from '../calls/received-message.ts';
import type { Timers } from '../calls/timers.ts';

/** The events of a consumer. */
export interface ConsumerEvents<T> {
  /** The handler starts on this message. */
  message: ReceivedMessage<T>;
  /** The message was handled and acked by the consumer. Not emitted if the handler acked the message itself. */
  ack: ReceivedMessage<T>;
  /** The handler threw `error`, which may be any value. The message is being released. */
  failed: { message: ReceivedMessage<T>; error: unknown };
  /**
   * A receive, ack, release or extend failed, or a handler threw after it had settled its message itself. `message` is the
   * message concerned. While receives keep failing, each kind of error is emitted once. Without a listener it goes to
   * `console.error`.
   */
  error: { error: unknown; message?: ReceivedMessage<T> };
  /** Receives succeed again, after they failed for `outageMs`. Without a listener it goes to `console.error`. */
  recovered: { outageMs: number };
  /** A receive was empty and no handler is running. Emitted once until a message arrives. */
  idle: undefined;
}

type Listener<Event> = (event: Event) => unknown;

/**
 * Typed listeners that need no emitter of the host: browsers lack Node's EventEmitter, and Node 20 has no types for
 * EventTarget's events.
 */
export class Emitter<Events> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();

  /** Adds a listener. Returns a function that removes it. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /**
   * Returns whether there was a listener. If a listener throws or rejects, the error goes to `console.error`: it ends neither
   * the work nor the process.
   */
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): boolean {
    const listeners = [...(this.#listeners.get(name) ?? [])] as Listener<Events[Name]>[];
    for (const listener of listeners) {
      const listening = async () => listener(event);
      listening().catch((error: unknown) => logError(`dumbwaiter: a listener of ${String(name)} threw:`, error));
    }
    return listeners.length > 0;
  }
}

/** Logs to the console, even if the console cannot show the value. */
export function logError(what: string, error: unknown): void {
  try {
    console.error(what, error);
  } catch {
    console.error(what, textOfThrown(error));
  }
}

/** Emits the error. Without a listener it goes to the console, so that it is always visible. */
export function reportError<T>(emitter: Emitter<ConsumerEvents<T>>, error: unknown, message?: ReceivedMessage<T>): void {
  if (!emitter.emit('error', { error, ...(message && { message }) })) logError('dumbwaiter: consumer:', error);
}

/** Reports receives that keep failing: once for each kind of error, and once when they succeed again. */
export class Outage<T> {
  readonly #emitter: Emitter<ConsumerEvents<T>>;
  readonly #timers: Timers;
  readonly #reported = new Set<string>();
  #startedAt = 0;

  constructor(emitter: Emitter<ConsumerEvents<T>>, timers: Timers) {
    this.#emitter = emitter;
    this.#timers = timers;
  }

  failed(error: unknown): void {
    const kind = error instanceof DumbwaiterError ? error.code : textOfThrown(error);
    if (this.#reported.size === 0) this.#startedAt = this.#timers.now();
    if (!this.#reported.has(kind)) reportError(this.#emitter, error);
    this.#reported.add(kind);
  }

  ended(): void {
    if (this.#reported.size === 0) return;
    this.#reported.clear();
    const outageMs = this.#timers.now() - this.#startedAt;
    if (!this.#emitter.emit('recovered', { outageMs }))
      console.error(`dumbwaiter: consumer: receives again after ${outageMs} ms`);
  }
}
