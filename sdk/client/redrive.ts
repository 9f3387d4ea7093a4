/** Watches and cancels redrive tasks. */
import type { RedriveTask } from '../../contract/contract.ts';
import { checkNames, type Names } from '../../contract/names.ts';
import type { Caller, CallOptions } from '../calls/caller.ts';
import { sleep, type Timers } from '../calls/timers.ts';

export const redrivePollMsDefault = 1_000;

export interface RedriveWaitOptions {
  /** How often to refresh the task, in ms. Default 1,000. */
  pollMs?: number;
  /** Called with the task after each refresh, and once at the start. */
  onProgress?: (task: RedriveTask) => void;
  /** Ends the waiting, not the task. */
  signal?: AbortSignal;
}

const waitNames: Names<RedriveWaitOptions> = { pollMs: true, onProgress: true, signal: true };

/** A redrive task. The task runs on the server; this object only reads or cancels it. */
export class Redrive {
  readonly id: string;
  /** The task as of the last refresh. */
  task: RedriveTask;
  readonly #caller: Caller;
  readonly #timers: Timers;

  constructor(task: RedriveTask, caller: Caller, timers: Timers) {
    this.id = task.id;
    this.task = task;
    this.#caller = caller;
    this.#timers = timers;
  }

  /** Reads the task again: how many messages were moved, and whether it has ended. */
  async refresh(options?: CallOptions): Promise<RedriveTask> {
    this.task = await this.#caller.call('getRedrive', this.#params(), {}, options);
    return this.task;
  }

  /** Resolves when the task has ended: `done`, `cancelled`, or `failed` with its `error`. */
  async wait(given: RedriveWaitOptions = {}): Promise<RedriveTask> {
    checkNames('wait', given, waitNames);
    const { pollMs = redrivePollMsDefault, onProgress, signal } = given;
    const options = { ...(signal && { signal }) };
    onProgress?.(this.task);
    while (this.task.state === 'running') {
      await sleep(this.#timers, pollMs, signal);
      await this.refresh(options);
      onProgress?.(this.task);
    }
    return this.task;
  }

  /** Cancels the task. Messages that were moved stay moved. */
  async cancel(options?: CallOptions): Promise<RedriveTask> {
    this.task = await this.#caller.call('cancelRedrive', this.#params(), {}, options);
    return this.task;
  }

  #params() {
    return { queue: this.task.queue, task: this.id };
  }
}
