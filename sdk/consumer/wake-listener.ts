/** Waits on a WebSocket to be told that a queue has messages: the client of `contract/wake.ts`. It delivers none itself. */

import type { WakeNotice, WakeRequest } from '../../contract/wake.ts';
import { wakeKeepMs } from '../../contract/wake-limits.ts';
import type { Timers } from '../calls/timers.ts';

/** How long a listen waits for its answer, connecting included. */
export const listenMsMax = 10_000;
/** The wait before another attempt. Doubles with each further failure; half of it is random. */
export const reconnectMsMin = 1_000;
export const reconnectMsMax = 60_000;

/** What a transport knows for wake-ups of one queue. */
export interface WakeSource {
  queue: string;
  /** Undefined: the transport cannot reach it. */
  addressOf(wakeUrl: string): { url: string; key: string } | undefined;
}

/** `woken`: a receive may find messages. `listening`: receive once, for what came before. `lost`: poll as without wake-ups. */
export type WakeNews = 'woken' | 'listening' | 'lost';

export class WakeListener {
  readonly #source: WakeSource;
  readonly #timers: Timers;
  readonly #onNews: (news: WakeNews) => void;
  #socket: WebSocket | undefined;
  #isListening = false;
  #failures = 0;
  #retryAt = 0;
  #key = '';
  #cancelAnswer: (() => void) | undefined;
  #cancelKeep = () => {};
  #dueAt = Number.POSITIVE_INFINITY;
  #cancelDue = () => {};

  constructor(source: WakeSource, timers: Timers, onNews: (news: WakeNews) => void) {
    this.#source = source;
    this.#timers = timers;
    this.#onNews = onNews;
  }

  /** Whether the server has promised to tell of the next message. */
  get isListening(): boolean {
    return this.#isListening;
  }

  /** Listens, if it does not yet. After a failure, only when the wait for another attempt is over. */
  listen(wakeUrl: string): void {
    if (this.#isListening || this.#cancelAnswer !== undefined || this.#timers.now() < this.#retryAt) return;
    const address = this.#source.addressOf(wakeUrl);
    if (address === undefined) return;
    this.#key = address.key;
    this.#cancelAnswer = this.#timers.after(listenMsMax, () => this.#fail());
    if (this.#socket === undefined) this.#connect(address.url);
    else this.#ask();
  }

  close(): void {
    this.#forget();
    this.#isListening = false;
  }

  #connect(url: string): void {
    const socket = new WebSocket(url);
    this.#socket = socket;
    const isCurrent = () => this.#socket === socket;
    socket.addEventListener('open', () => isCurrent() && this.#ask());
    socket.addEventListener('message', ({ data }) => isCurrent() && this.#told(data));
    socket.addEventListener('close', () => isCurrent() && this.#fail());
    socket.addEventListener('error', () => isCurrent() && this.#fail());
  }

  #ask(): void {
    this.#send({ action: 'listen', queue: this.#source.queue, key: this.#key });
  }

  #send(request: WakeRequest): void {
    this.#socket?.send(JSON.stringify(request));
    this.#cancelKeep();
    this.#cancelKeep = this.#timers.after(wakeKeepMs, () => this.#send({ action: 'keep' }));
  }

  #told(data: unknown): void {
    const notice = noticeOf(data);
    const { queue } = this.#source;
    if (notice === undefined) return;
    if ('listening' in notice && notice.listening === queue) {
      this.#answered();
      this.#isListening = true;
      this.#failures = 0;
      this.#dueIn(notice.dueInMs);
      this.#onNews('listening');
    } else if ('wake' in notice && notice.wake === queue) {
      if (notice.inMs === undefined) this.#woken();
      else this.#dueIn(notice.inMs);
    } else if ('refused' in notice && notice.refused === queue) this.#fail();
  }

  #woken(): void {
    this.#isListening = false;
    this.#cancelDue();
    this.#onNews('woken');
  }

  #dueIn(ms: number | undefined): void {
    if (ms === undefined) return;
    const at = this.#timers.now() + ms;
    if (at >= this.#dueAt) return;
    this.#cancelDue();
    this.#dueAt = at;
    const cancelTimer = this.#timers.after(ms, () => this.#woken());
    this.#cancelDue = () => {
      cancelTimer();
      this.#dueAt = Number.POSITIVE_INFINITY;
    };
  }

  #answered(): void {
    this.#cancelAnswer?.();
    this.#cancelAnswer = undefined;
  }

  #fail(): void {
    this.#forget();
    const waitMs = Math.min(reconnectMsMax, reconnectMsMin * 2 ** this.#failures);
    this.#failures++;
    this.#retryAt = this.#timers.now() + waitMs * (0.5 + this.#timers.random() / 2);
    const wasListening = this.#isListening;
    this.#isListening = false;
    if (wasListening) this.#onNews('lost');
  }

  /** Leaves the socket, so that its further events mean nothing. */
  #forget(): void {
    this.#answered();
    this.#cancelKeep();
    this.#cancelDue();
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }
}

/** Undefined for a text that is no notice. */
export function noticeOf(data: unknown): WakeNotice | undefined {
  try {
    const notice: unknown = JSON.parse(String(data));
    return typeof notice === 'object' && notice !== null ? (notice as WakeNotice) : undefined;
  } catch {
    return undefined;
  }
}
