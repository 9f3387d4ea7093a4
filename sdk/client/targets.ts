/** The part of the client that manages the targets of a queue. */
import type { Target, TargetInput } from '../../contract/contract.ts';
import type { Caller, CallOptions } from '../calls/caller.ts';

/** Functions and URLs to which the messages of one queue are pushed. Requires an admin key. */
export class TargetsClient {
  readonly #caller: Caller;
  readonly #queue: string;

  constructor(caller: Caller, queue: string) {
    this.#caller = caller;
    this.#queue = queue;
  }

  /**
   * Pushes the messages of the queue to a Lambda function (`functionName`) or a URL (`url`), or changes such a target. A target
   * that is broken or ended becomes active. Each message goes to one of the queue's targets.
   * @throws DumbwaiterError `queue_not_found`; `invalid_input`, such as for a URL that may not be called
   */
  put(name: string, target: TargetInput, options?: CallOptions): Promise<Target> {
    return this.#caller.call('putTarget', { queue: this.#queue, target: name }, target, options);
  }

  /**
   * Returns the target and its state.
   * @throws DumbwaiterError `target_not_found`, `queue_not_found`
   */
  get(name: string, options?: CallOptions): Promise<Target> {
    return this.#caller.call('getTarget', { queue: this.#queue, target: name }, {}, options);
  }

  /**
   * Lists the targets by name.
   * @throws DumbwaiterError `queue_not_found`
   */
  async list(options?: CallOptions): Promise<Target[]> {
    return (await this.#caller.call('listTargets', { queue: this.#queue }, {}, options)).targets;
  }

  /**
   * Deletes the target. Messages stay in the queue.
   * @throws DumbwaiterError `target_not_found`, `queue_not_found`
   */
  async delete(name: string, options?: CallOptions): Promise<void> {
    await this.#caller.call('deleteTarget', { queue: this.#queue, target: name }, {}, options);
  }
}
