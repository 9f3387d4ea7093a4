import type { InputOf, OperationName, OutputOf, ParamsOf, Transport } from './contract.ts';
import { DumbwaiterError, type ErrorCode } from './errors.ts';
import { sleep, type Timers } from './timers.ts';

/** How one call is made. */
export interface CallOptions {
  /** Ends the call, its retries included; it then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** How long the call may take, retries included, in ms; a receive's `waitSeconds` comes on top. Default: the client's. */
  timeoutMs?: number;
  /** How often it is tried again after a retryable error. 0: never. Default: the client's. */
  retries?: number;
}

export const timeoutMsDefault = 60_000;
export const retriesDefault = 5;
/** One attempt; API Gateway ends a request after 30 s: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html */
export const attemptMsMax = 30_000;
/** Before retry n (from 0): a random part of `min(backoffMsMax, backoffMsMin * 2^n)`, after what the server asks for. */
export const backoffMsMin = 100;
export const backoffMsMax = 5_000;

/** Once an attempt's answer was lost, this refusal of the next says that the first one had done it. */
const doneBefore: Partial<Record<OperationName, ErrorCode>> = {
  deleteQueue: 'queue_not_found',
  revokeKey: 'key_not_found',
};

/** A key whose answer is lost can never be shown again: a blind retry would leave a live key that nobody knows. */
const neverTwice: ReadonlySet<OperationName> = new Set<OperationName>(['createKey']);

/** A transport with retries: retryable errors, after a jittered exponential backoff, within the call's time. */
export class Caller {
  readonly #transport: Transport;
  readonly #timers: Timers;
  readonly #defaults: { timeoutMs: number; retries: number };

  constructor(transport: Transport, timers: Timers, defaults: { timeoutMs: number; retries: number }) {
    this.#transport = transport;
    this.#timers = timers;
    this.#defaults = defaults;
  }

  async call<Name extends OperationName>(
    operation: Name,
    params: ParamsOf<Name>,
    input: InputOf<Name>,
    options: CallOptions = {},
  ): Promise<OutputOf<Name>> {
    const { signal, timeoutMs = this.#defaults.timeoutMs, retries = this.#defaults.retries } = options;
    const deadline = this.#timers.now() + timeoutMs + waitMs(input);
    for (let attempt = 0, lost = false; ; attempt++) {
      signal?.throwIfAborted();
      const leftMs = Math.max(0, deadline - this.#timers.now());
      try {
        return await this.#transport.call(operation, params, input, {
          timeoutMs: Math.min(leftMs, attemptMsMax),
          ...(signal && { signal }),
        });
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof DumbwaiterError)) throw error;
        if (lost && doneBefore[operation] === error.code) return {} as OutputOf<Name>;
        if (error.code !== 'throttled') lost = true;
        if (!error.retryable || attempt >= retries || (lost && neverTwice.has(operation))) throw error;
        const pauseMs = (error.retryAfterMs ?? 0) + this.#timers.random() * Math.min(backoffMsMax, backoffMsMin * 2 ** attempt);
        if (this.#timers.now() + pauseMs >= deadline) throw error;
        await sleep(this.#timers, pauseMs, signal);
      }
    }
  }
}

function waitMs(input: object): number {
  return 'waitSeconds' in input && typeof input.waitSeconds === 'number' ? input.waitSeconds * 1000 : 0;
}
