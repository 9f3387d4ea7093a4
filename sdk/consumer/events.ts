import { textOfThrown } from '../../contract/thrown.ts';
import type { ReceivedMessage } from '../calls/received-message.ts';

/** What a consumer tells of its work. */
export interface ConsumerEvents<T> {
  /** The handler begins on it. */
  message: ReceivedMessage<T>;
  /** Handled, and acked; not told of one that the handler acked itself. */
  ack: ReceivedMessage<T>;
  /** The handler threw `error`, which may be any value; the message is being released. */
  failed: { message: ReceivedMessage<T>; error: unknown };
  /**
   * A receive, ack, release or extend failed, or a handler threw after it had settled its message itself; `message` is the one concerned.
   * While receives fail one after another, each kind of error is told once. Where nobody listens, it goes to `console.error`.
   */
  error: { error: unknown; message?: ReceivedMessage<T> };
  /** Receives succeed again, after they had failed for so long. Where nobody listens, it goes to `console.error`. */
  recovered: { outageMs: number };
  /** Nothing is left to do: an empty receive, and no handler at work. Told once until a message comes. */
  idle: undefined;
}

type Listener<Event> = (event: Event) => unknown;

/** Typed listeners, without an emitter of the host's: a browser has none of Node's, Node 20 types none of a browser's. */
export class Emitter<Events> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();

  /** Answers a function that ends the listening. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** Answers whether anyone listened. What a listener throws, or rejects with, goes to `console.error`: it ends neither the work nor the process. */
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): boolean {
    const listeners = [...(this.#listeners.get(name) ?? [])] as Listener<Events[Name]>[];
    for (const listener of listeners) {
      const listening = async () => listener(event);
      listening().catch((error: unknown) => logError(`dumbwaiter: a listener of ${String(name)} threw:`, error));
    }
    return listeners.length > 0;
  }
}

/** To the console, also where it cannot show the value. */
export function logError(what: string, error: unknown): void {
  try {
    console.error(what, error);
  } catch {
    console.error(what, textOfThrown(error));
  }
}
