/** Waits on a WebSocket to be told that messages have ended: the client of `contract/wake.ts` for results. All waits share a connection. */
import type { WakeRequest } from '../../contract/wake.ts';
import { wakeKeepMs } from '../../contract/wake-limits.ts';
import type { Caller } from '../calls/caller.ts';
import type { Timers } from '../calls/timers.ts';
import { noticeOf } from '../consumer/wake-listener.ts';

/** How long a listen waits for its answer, connecting included. */
export const listenMsMax = 10_000;
/** How long after a failure no other connection is tried. */
export const restMs = 30_000;

export interface ResultWait {
  /** Whether the server has promised to tell. Read once then: the message may have ended before. */
  listening: Promise<boolean>;
  /** Resolves when a read may find that the message has ended: it was told, or the connection is lost. */
  told: Promise<void>;
  /** Must be called. */
  end(): void;
}

interface Wait {
  request: Extract<WakeRequest, { action: 'listen' }>;
  onListening(isListening: boolean): void;
  onTold(): void;
}

export class ResultListener {
  readonly #caller: Caller;
  readonly #timers: Timers;
  readonly #waits = new Set<Wait>();
  #socket: WebSocket | undefined;
  #retryAt = 0;
  #cancelKeep = () => {};

  constructor(caller: Caller, timers: Timers) {
    this.#caller = caller;
    this.#timers = timers;
  }

  /** Undefined if this host or the transport has no WebSocket, or if one has just failed. */
  listen(wakeUrl: string, queue: string, id: string): ResultWait | undefined {
    const address = globalThis.WebSocket === undefined ? undefined : this.#caller.wakeAddress(wakeUrl);
    if (address === undefined || this.#timers.now() < this.#retryAt) return undefined;
    let [onListening, onTold]: [Wait['onListening'], Wait['onTold']] = [() => {}, () => {}];
    const listening = new Promise<boolean>((resolve) => {
      onListening = resolve;
    });
    const told = new Promise<void>((resolve) => {
      onTold = resolve;
    });
    const wait: Wait = { request: { action: 'listen', queue, id, key: address.key }, onListening, onTold };
    const cancel = this.#timers.after(listenMsMax, () => this.#give(wait));
    void listening.then(cancel);
    this.#waits.add(wait);
    if (this.#socket === undefined) this.#connect(address.url);
    else if (this.#socket.readyState === WebSocket.OPEN) this.#send(wait.request);
    return { listening, told, end: () => this.#give(wait) };
  }

  #connect(url: string): void {
    const socket = new WebSocket(url);
    this.#socket = socket;
    const isCurrent = () => this.#socket === socket;
    socket.addEventListener('open', () => {
      if (isCurrent()) for (const { request } of this.#waits) this.#send(request);
    });
    socket.addEventListener('message', ({ data }) => isCurrent() && this.#told(data));
    for (const name of ['close', 'error'] as const) socket.addEventListener(name, () => isCurrent() && this.#fail());
  }

  #send(request: WakeRequest): void {
    this.#socket?.send(JSON.stringify(request));
    this.#cancelKeep();
    this.#cancelKeep = this.#timers.after(wakeKeepMs, () => this.#send({ action: 'keep' }));
  }

  #told(data: unknown): void {
    const notice = noticeOf(data);
    if (notice === undefined || !('id' in notice)) return;
    for (const wait of [...this.#waits]) {
      const { queue, id } = wait.request;
      if (notice.id !== id) continue;
      if ('listening' in notice && notice.listening === queue) wait.onListening(true);
      if ('ended' in notice && notice.ended === queue) wait.onTold();
      if ('refused' in notice && notice.refused === queue) this.#give(wait);
    }
  }

  #fail(): void {
    this.#retryAt = this.#timers.now() + restMs;
    for (const wait of [...this.#waits]) this.#give(wait);
  }

  /** Ends a wait, and the connection with the last one: it would keep the process alive. */
  #give(wait: Wait): void {
    this.#waits.delete(wait);
    wait.onListening(false);
    wait.onTold();
    if (this.#waits.size > 0) return;
    this.#cancelKeep();
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }
}
