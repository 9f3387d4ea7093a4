import type { InputOf, OperationName, OutputOf, ParamsOf, TransactionWrite, Transport } from '../../contract/contract.ts';
import { DumbwaiterError, type ErrorCode } from '../../contract/errors.ts';
import { type Read, withValues } from '../../contract/json-text.ts';
import { checkNames, type Names } from '../../contract/names.ts';
import { checkJson } from './json-check.ts';
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

const callNames: Names<CallOptions> = { signal: true, timeoutMs: true, retries: true };

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
  deleteSchedule: 'schedule_not_found',
  revokeKey: 'key_not_found',
};

/** A key or secret whose answer is lost can never be shown again: a blind retry would leave a live one that nobody knows. */
const neverTwice: ReadonlySet<OperationName> = new Set<OperationName>(['createKey', 'rotateSigningSecret']);

/** A transport with retries: retryable errors, after a jittered exponential backoff, within the call's time. */
export class Caller {
  readonly #transport: Transport;
  readonly #timers: Timers;
  readonly #defaults: { timeoutMs: number; retries: number };
  readonly #read: Read | undefined;

  /** `read`: what the JSON of messages is to be, where not values. */
  constructor(transport: Transport, timers: Timers, defaults: { timeoutMs: number; retries: number }, read?: Read) {
    this.#transport = transport;
    this.#timers = timers;
    this.#defaults = defaults;
    this.#read = read;
  }

  async call<Name extends OperationName>(
    operation: Name,
    params: ParamsOf<Name>,
    input: InputOf<Name>,
    options: CallOptions = {},
  ): Promise<OutputOf<Name>> {
    checkNames(operation, options, callNames);
    // Messages were checked when they were gathered.
    if (operation !== 'publish') checkJson(operation, input);
    let lost = false;
    const read = this.#read;
    return this.#retried(
      async (limits) => {
        if (!read) return this.#transport.call(operation, params, input, limits);
        return withValues(await this.#transport.call(operation, params, input, { ...limits, texts: true }), read);
      },
      { ...options, waitMs: waitMs(input) },
      (error) => {
        if (lost && doneBefore[operation] === error.code) return { output: {} as OutputOf<Name> };
        if (error.code !== 'throttled') lost = true;
        if (!error.retryable || (lost && neverTwice.has(operation))) throw error;
        return undefined;
      },
    );
  }

  /** Whether the transport can commit transactions. */
  get canTransact(): boolean {
    return this.#transport.transact !== undefined;
  }

  /**
   * Commits entries of TransactWriteItems, all or none, and once: each attempt bears the same token, which DynamoDB knows for ten minutes.
   * Rejects with DumbwaiterError for what concerns the queue or may pass, else with the AWS client's own error.
   */
  async transact(items: readonly TransactionWrite[], options: CallOptions = {}): Promise<void> {
    const token = crypto.randomUUID();
    await this.#retried(
      (limits) => this.#transport.transact!(items, { ...limits, token }),
      { ...options, waitMs: 0 },
      (error) => {
        if (!error.retryable) throw error;
        return undefined;
      },
    );
  }

  /** `judge` answers the output of a call that was done after all, nothing where it may be tried again, and else throws. */
  async #retried<Output>(
    attemptOnce: (limits: { timeoutMs: number; signal: AbortSignal | undefined }) => Promise<Output>,
    { signal, timeoutMs = this.#defaults.timeoutMs, retries = this.#defaults.retries, waitMs }: CallOptions & { waitMs: number },
    judge: (error: DumbwaiterError) => { output: Output } | undefined,
  ): Promise<Output> {
    const deadline = this.#timers.now() + timeoutMs + waitMs;
    for (let attempt = 0; ; attempt++) {
      signal?.throwIfAborted();
      const leftMs = Math.max(0, deadline - this.#timers.now());
      try {
        return await attemptOnce({ timeoutMs: Math.min(leftMs, attemptMsMax), signal });
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof DumbwaiterError)) throw error;
        const done = judge(error);
        if (done) return done.output;
        if (attempt >= retries) throw error;
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
