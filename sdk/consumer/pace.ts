/** When a consumer receives again: the pauses between its receives, and what ends them early. */
import type { Timers } from '../calls/timers.ts';
import type { ConsumerPlan } from './options.ts';
import { listenPauseMsMin, PollBackoff } from './poll-backoff.ts';
import { WakeListener, type WakeSource } from './wake-listener.ts';

export class Pace {
  readonly #timers: Timers;
  readonly #backoff: PollBackoff;
  readonly #wakes: WakeListener | undefined;
  #isStopped = false;
  /** Whether news came that no pause has ended for yet. */
  #hasNews = false;
  #endPause = () => {};

  /** `wakeSource`: undefined if the consumer does not want to be woken, or cannot be. */
  constructor(plan: ConsumerPlan, timers: Timers, wakeSource: WakeSource | undefined) {
    this.#timers = timers;
    this.#backoff = new PollBackoff({ ...plan, random: timers.random });
    if (wakeSource === undefined) return;
    this.#wakes = new WakeListener(wakeSource, timers, (news) => {
      if (news === 'woken') this.#backoff.woken();
      this.#hasNews = true;
      this.#endPause();
    });
  }

  /** How long the next receive may wait at the server, in seconds. */
  waitSeconds(): number {
    return this.#backoff.waitSeconds();
  }

  /** Whether the server, by its last answer, notices a disconnected caller and releases what it leased for that call. */
  get noticesDisconnect(): boolean {
    return this.#backoff.noticesDisconnect;
  }

  /** Pauses after a receive that was answered. Resolves when the next one may begin. */
  answered(answer: { messages: number; tookMs: number; waitIsCheap: boolean; wakeUrl: string | undefined }): Promise<void> {
    const { messages, tookMs, waitIsCheap, wakeUrl } = answer;
    const wakes = wakeUrl === undefined ? undefined : this.#wakes;
    const isListening = this.#wakes?.isListening ?? false;
    const pauseMs = this.#backoff.answered(messages, tookMs, { waitIsCheap, isWoken: wakes !== undefined, isListening });
    if (pauseMs > listenPauseMsMin && !this.#isStopped) wakes?.listen(wakeUrl!);
    return this.#pause(pauseMs);
  }

  /** The same after a call that failed. */
  failed(error: unknown): Promise<void> {
    return this.#pause(this.#backoff.failed(error));
  }

  /** Ends the pause. There are no further ones. */
  stop(): void {
    this.#isStopped = true;
    this.#wakes?.close();
    this.#endPause();
  }

  async #pause(ms: number): Promise<void> {
    if (ms > 0 && !this.#isStopped && !this.#hasNews) {
      await new Promise<void>((resolve) => {
        const cancelTimer = this.#timers.after(ms, resolve);
        this.#endPause = () => {
          cancelTimer();
          resolve();
        };
      });
      this.#endPause = () => {};
    }
    this.#hasNews = false;
  }
}
