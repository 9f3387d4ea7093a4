/**
 * Makes one call with retries. `sdk/calls/` holds what lies between the client's classes and a transport: start here. It
 * batches, converts bodies, limits time and reads pages.
 */
import type { InputOf, OperationName, OutputOf, ParamsOf, TransactionWrite, Transport } from '../../contract/contract.ts';
import { DumbwaiterError, type ErrorCode } from '../../contract/errors.ts';
import { type Read, withValues } from '../../contract/json-values.ts';
import { checkNames, type Names } from '../../contract/names.ts';
import { checkJson } from './json-check.ts';
import { sleep, type Timers } from './timers.ts';

/** Options of one call. */
export interface CallOptions {
  /** Aborts the call, including its retries. The call then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** How long the call may take, retries included, in ms. A receive's `waitSeconds` is added. Default: the client's. */
  timeoutMs?: number;
  /** How often the call is retried after a retryable error; 0: never. Default: the client's. */
  retries?: number;
}

const callNames: Names<CallOptions> = { signal: true, timeoutMs: true, retries: true };

export const timeoutMsDefault = 60_000;
export const retriesDefault = 5;
/**
 * The time limit of one attempt. API Gateway ends a request after 30 s:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
 */
export const attemptMsMax = 30_000;
/** The wait before retry n (from 0): what the server asks for, plus a random part of `min(backoffMsMax, backoffMsMin * 2^n)`. */
export const backoffMsMin = 100;
export const backoffMsMax = 5_000;

/** If the response to an attempt was lost, this error of a later attempt means that the first one succeeded. */
const doneBefore: Partial<Record<OperationName, ErrorCode>> = {
  deleteQueue: 'queue_not_found',
  deleteSchedule: 'schedule_not_found',
  deleteTopic: 'topic_not_found',
  unsubscribe: 'subscription_not_found',
  revokeKey: 'key_not_found',
};

/** A key or secret whose response is lost can never be shown again, so a blind retry would leave an unknown one that works. */
const neverTwice: ReadonlySet<OperationName> = new Set<OperationName>(['createKey', 'rotateSigningSecret']);

/** Messages to publish are checked when their entries are made. */
const ofEntries: ReadonlySet<OperationName> = new Set<OperationName>([
  'publish',
  'publishItems',
  'publishToTopic',
  'topicPublishItems',
]);

/** A transport with retries: retryable errors are retried after a jittered exponential backoff, within the call's time. */
export class Caller {
  readonly #transport: Transport;
  readonly #timers: Timers;
  readonly #defaults: { timeoutMs: number; retries: number };
  readonly #read: Read | undefined;

  /** `read` converts the JSON of messages; undefined: it stays parsed values. */
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
    if (!ofEntries.has(operation)) checkJson(operation, input);
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

  /** Whether the transport can reach a WebSocket for wake-ups. */
  get canBeWoken(): boolean {
    return this.#transport.wakeAddress !== undefined;
  }

  wakeAddress(wakeUrl: string): { url: string; key: string } | undefined {
    return this.#transport.wakeAddress?.(wakeUrl);
  }

  /**
   * Commits entries of TransactWriteItems, all or none, and once: each attempt has the same token, which DynamoDB remembers for
   * ten minutes. Rejects with DumbwaiterError for errors of the queue and for errors that may pass, otherwise with the AWS
   * client's own error.
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

  /** `onError` returns the output if an earlier attempt already succeeded, returns undefined to retry, and otherwise throws. */
  async #retried<Output>(
    attemptOnce: (limits: { timeoutMs: number; signal: AbortSignal | undefined }) => Promise<Output>,
    { signal, timeoutMs = this.#defaults.timeoutMs, retries = this.#defaults.retries, waitMs }: CallOptions & { waitMs: number },
    onError: (error: DumbwaiterError) => { output: Output } | undefined,
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
        const done = onError(error);
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
