/** Limits how often a consumer reports that receives fail. */
import { DumbwaiterError } from '../../contract/errors.ts';
import { textOfThrown } from '../../contract/thrown.ts';
import type { Timers } from '../calls/timers.ts';
import type { ConsumerEvents, Emitter } from './events.ts';
import { reportError } from './job.ts';

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
