/** What the SDK calls to have its work traced. `sdk/otel/` implements it; the root import depends on no tracing package. */
import type { Attributes, TopicEntry } from '../../contract/contract.ts';
import type { Receipts } from './receipts.ts';

/** What a trace shows of a received message. */
export interface TracedMessage {
  readonly id: string;
  readonly attributes: Attributes;
  readonly receives: number;
  readonly group?: string | undefined;
}

/** Makes spans of what a client does: `openTelemetry()` of `dumbwaiter-queue/otel`. */
export interface Tracing {
  /**
   * Sends messages to a queue or topic. `create`: the call only returns entries for a transaction of the caller. Passes the entries to
   * `send`, with the trace context in their attributes, and returns what `send` returns.
   */
  publish<T>(
    operation: 'publish' | 'create',
    destination: string,
    entries: TopicEntry[],
    send: (entries: TopicEntry[]) => Promise<T>[],
  ): Promise<T>[];
  receive<T extends { messages: readonly TracedMessage[] }>(queue: string, receive: () => Promise<T>): Promise<T>;
  /** Runs a consumer's handler. */
  handle<T>(queue: string, message: TracedMessage, handler: () => T | Promise<T>): Promise<T>;
  settle<T>(operation: 'ack' | 'release', queue: string, messages: Receipts, send: () => Promise<T>[]): Promise<T>[];
  /** Starts work that is no part of the trace of the caller, such as a consumer. */
  detached<T>(start: () => T): T;
}

export const untraced: Tracing = {
  publish: (_, __, entries, send) => send(entries),
  receive: (_, receive) => receive(),
  handle: async (_, __, handler) => handler(),
  settle: (_, __, ___, send) => send(),
  detached: (start) => start(),
};
