/** The messages that a consumer holds. Messages of one group are handled one after the other, all others side by side. */
import { chainsOf } from '../../contract/chains.ts';
import type { ReceivedMessage } from '../calls/received-message.ts';
import { Job, type JobParts } from './job.ts';

export interface JobsParts<T> extends Omit<JobParts<T>, 'lease' | 'before' | 'onHandled'> {
  /** Sends the acks, releases and extensions that wait to share a call. */
  flush(): void;
  /** Called when a handler has ended and no message of its group waits for it. */
  onFree(): void;
}

/** The setting of a queue that says whether its groups are in order. */
export type GroupTerms = Parameters<typeof chainsOf>[1];

export class Jobs<T> {
  readonly #parts: JobsParts<T>;
  readonly #held = new Map<Job<T>, Promise<void>>();
  #running = 0;

  constructor(parts: JobsParts<T>) {
    this.#parts = parts;
  }

  /** The number of handlers that run now. */
  get running(): number {
    return this.#running;
  }

  /** The number of messages that are not settled yet. */
  get size(): number {
    return this.#held.size;
  }

  /** Handles messages that one receive returned, or gives them back if the consumer stops. */
  start(
    messages: readonly ReceivedMessage<T>[],
    terms: GroupTerms,
    leaseOf: (message: ReceivedMessage<T>) => JobParts<T>['lease'],
  ): void {
    const chains = chainsOf(
      messages.map((message) => [message]),
      terms,
    );
    for (const chain of chains) this.#startChain(chain.flat(), leaseOf);
  }

  giveBack(): void {
    for (const job of this.#held.keys()) void job.giveBack();
  }

  /** Resolves when no message is held. */
  async settled(): Promise<void> {
    await Promise.all(this.#held.values());
  }

  #startChain(chain: readonly ReceivedMessage<T>[], leaseOf: (message: ReceivedMessage<T>) => JobParts<T>['lease']): void {
    const { stopping, flush, onFree } = this.#parts;
    const isStopping = stopping.aborted;
    let left = chain.length;
    let before: Promise<boolean> | undefined;
    if (!isStopping) this.#running++;
    for (const message of chain) {
      const waitsFor = before;
      let tell: (isDone: boolean | Promise<boolean>) => void = () => {};
      before = new Promise((resolve) => {
        tell = resolve;
      });
      const onHandled = (isDone: boolean | Promise<boolean>) => {
        tell(isDone);
        if (--left > 0) {
          // The next message waits for an ack or release: it must not wait for others to share a call.
          if (typeof isDone !== 'boolean') flush();
          return;
        }
        this.#running--;
        if (this.#running === 0 || stopping.aborted) flush();
        onFree();
      };
      const job = new Job(message, { ...this.#parts, lease: leaseOf(message), before: waitsFor, onHandled });
      const held = (isStopping ? job.giveBack() : job.run()).finally(() => this.#held.delete(job));
      this.#held.set(job, held);
    }
    if (isStopping) flush();
  }
}

/** Whether two messages of one group were received together. */
export function hasNeighbours(messages: readonly ReceivedMessage[]): boolean {
  return messages.some(({ group }, index) => group !== undefined && group === messages[index - 1]?.group);
}
