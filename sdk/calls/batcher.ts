/** Combines single entries into batch calls, for publishes and for settling. */
import { DumbwaiterError } from '../../contract/errors.ts';
import { batchEntriesMax, callBytesMax } from '../../contract/limits.ts';
import type { Timers } from './timers.ts';

/** Sends the entries as one call. Returns one result per entry, in order. */
export type Send<Entry, Result> = (entries: Entry[], signal: AbortSignal) => Promise<Result[]>;

export interface Addition<Entry, Result> {
  /** Only entries with equal keys share a call. */
  key: string;
  entry: Entry;
  /** The entry's share of `callBytesMax`. */
  bytes: number;
  send: Send<Entry, Result>;
  signal?: AbortSignal | undefined;
}

interface Waiting<Entry, Result> {
  entry: Entry;
  resolve(result: Result): void;
  reject(reason: unknown): void;
}

interface Batch<Entry, Result> {
  waiting: Set<Waiting<Entry, Result>>;
  bytes: number;
  send: Send<Entry, Result>;
  cancelTimer: () => void;
  controller: AbortController;
  sent: boolean;
}

/** Room for the parts of a call other than its entries. */
const envelopeBytes = 1024;

/**
 * Gathers entries of the same turn of the event loop, or within `lingerMs`, into calls of at most `batchEntriesMax` entries and
 * `callBytesMax` bytes. A full batch is sent at once. An entry whose signal aborts leaves its batch. When all entries of a call
 * have left, the call is aborted.
 */
export class Batcher<Entry, Result> {
  readonly #timers: Timers;
  readonly #lingerMs: number;
  readonly #open = new Map<string, Batch<Entry, Result>>();

  constructor(timers: Timers, lingerMs: number) {
    this.#timers = timers;
    this.#lingerMs = lingerMs;
  }

  add({ key, entry, bytes, send, signal }: Addition<Entry, Result>): Promise<Result> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const open = this.#open.get(key);
    if (open && open.bytes + bytes + envelopeBytes > callBytesMax) this.#close(key);
    const batch = this.#open.get(key) ?? this.#begin(key, send);
    let leave = () => {};
    const answer = new Promise<Result>((resolve, reject) => {
      const waiting = { entry, resolve, reject };
      leave = () => this.#leave(batch, waiting, signal?.reason);
      signal?.addEventListener('abort', leave);
      batch.waiting.add(waiting);
      batch.bytes += bytes;
    }).finally(() => signal?.removeEventListener('abort', leave));
    if (batch.waiting.size >= batchEntriesMax) this.#close(key);
    return answer;
  }

  /** Sends what has been gathered so far. */
  flush(): void {
    for (const key of [...this.#open.keys()]) this.#close(key);
  }

  #begin(key: string, send: Send<Entry, Result>): Batch<Entry, Result> {
    const close = () => this.#close(key);
    const cancelTimer = this.#lingerMs > 0 ? this.#timers.after(this.#lingerMs, close) : this.#timers.nextTurn(close);
    const waiting = new Set<Waiting<Entry, Result>>();
    const batch = { waiting, bytes: 0, send, cancelTimer, controller: new AbortController(), sent: false };
    this.#open.set(key, batch);
    return batch;
  }

  #close(key: string): void {
    const batch = this.#open.get(key);
    if (!batch) return;
    this.#open.delete(key);
    batch.cancelTimer();
    batch.sent = true;
    if (batch.waiting.size > 0) void this.#send(batch);
  }

  async #send(batch: Batch<Entry, Result>): Promise<void> {
    const sent = [...batch.waiting];
    try {
      const results = await batch.send(
        sent.map(({ entry }) => entry),
        batch.controller.signal,
      );
      if (results.length !== sent.length)
        throw new DumbwaiterError('internal', `The call sent ${sent.length} entries and returned ${results.length} results.`);
      sent.forEach((waiting, i) => {
        waiting.resolve(results[i] as Result);
      });
    } catch (error) {
      for (const waiting of sent) waiting.reject(error);
    }
  }

  #leave(batch: Batch<Entry, Result>, waiting: Waiting<Entry, Result>, reason: unknown): void {
    waiting.reject(reason);
    batch.waiting.delete(waiting);
    if (batch.sent && batch.waiting.size === 0) batch.controller.abort(reason);
  }
}
