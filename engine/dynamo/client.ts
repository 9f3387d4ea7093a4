/**
 * Calls DynamoDB's operations on rows: JSON, signed, over kept connections, without the AWS SDK, which takes several times the
 * processor time for a call. A call is retried briefly; the caller handles longer waits. errors.ts says what each error tells
 * of the outcome.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type HttpAnswer, sendRequest } from '../../aws/request.ts';
import type { ServiceAccess } from '../../aws/service-access.ts';
import { createSigner } from '../../aws/signature.ts';
import { StoreError } from '../port/port.ts';
import { dateOf, readAnswer } from './answers.ts';
import type { CorrectedClock } from './corrected-clock.ts';
import { DeadlinePassed, DynamoError, describe, heatOf, isBusy, outcomeOf, retryKindOf } from './errors.ts';
import type { Answers } from './requests.ts';
import { createRetryBudget } from './retry-budget.ts';

/** Attempts of one call, including the first. */
export const attemptsMax = 4;
/** A signature that is further from DynamoDB's time than this may have been refused for it. DynamoDB takes five minutes. */
const clockErrorMs = 240_000;
/** Refusals for which the caller finds out by itself whether an earlier attempt was applied. */
const handledRefusals = new Set(['ConditionalCheckFailedException', 'TransactionCanceledException']);
const signatureErrors = new Set(['InvalidSignatureException', 'RequestExpired', 'RequestTimeTooSkewed']);

export interface CallOptions {
  clock: CorrectedClock;
  /** The last instant at which an attempt may be signed and sent. */
  by?: number | undefined;
  /** Called for each attempt that was throttled because its key is hot, or may be. */
  onHotKey?: (isProven: boolean) => void;
  /** Called for each attempt that was throttled. */
  onThrottled?: () => void;
  /** Whether the operation writes nothing, whatever becomes of it. Default false. */
  reads?: boolean;
}

export interface Called<Answer> {
  answer: Answer;
  /** How often the request was sent. */
  attempts: number;
}

export interface DynamoClient {
  /**
   * Rejects with StoreError when the store did not do as asked. Rejects with DynamoError for refusals that the caller handles
   * (a failed condition) and for defects (ValidationException, AccessDeniedException).
   */
  call<Name extends keyof Answers>(operation: Name, input: object, options: CallOptions): Promise<Called<Answers[Name]>>;
  /** Closes the connections. */
  destroy(): void;
}

/** `attempts`: of one call, including the first. */
export function createDynamoClient(access: ServiceAccess, { attempts = attemptsMax } = {}): DynamoClient {
  const sign = createSigner('dynamodb');
  const budget = createRetryBudget();

  async function attempt(operation: string, body: string, { clock, by }: CallOptions): Promise<Record<string, unknown>> {
    const { url, region, agent } = await access.endpoint();
    const credentials = await access.credentials();
    const signedAt = clock.now();
    const named = {
      'content-type': 'application/x-amz-json-1.0',
      host: url.host,
      'x-amz-target': `DynamoDB_20120810.${operation}`,
    };
    const headers = sign({ method: 'POST', path: url.pathname, headers: named, body }, { credentials, region, at: signedAt });
    // Checked after signing: a request that passes was signed before the deadline.
    if (by !== undefined && clock.now() > by) throw new DeadlinePassed('the time in which the write was safe has passed');
    const sent = clock.local();
    const answer = await sendRequest({ method: 'POST', url, headers, body, agent });
    observe(clock, answer, sent);
    try {
      return readAnswer(answer);
    } catch (error) {
      if (error instanceof DynamoError && signatureErrors.has(error.name)) {
        error.clockCorrected = Math.abs(clock.now() - signedAt) >= clockErrorMs;
      }
      throw error;
    }
  }

  return {
    async call(operation, input, options) {
      const body = JSON.stringify(input);
      let maybeApplied = false;
      let throttled = false;
      let lastRetry: 'throttled' | 'transient' | undefined;
      for (let sent = 1; ; sent++) {
        try {
          const answer = await attempt(operation, body, options);
          budget.succeed(lastRetry);
          return { answer: answer as never, attempts: sent };
        } catch (error) {
          const outcome = outcomeOf(error);
          if (outcome === 'unknown') maybeApplied = true;
          if (isBusy(error)) {
            throttled = true;
            options.onThrottled?.();
          }
          const heat = options.onHotKey && heatOf(error);
          if (heat) options.onHotKey!(heat === 'hot');
          const retry = retryKindOf(error);
          const wait = retry && sent < attempts ? budget.take(retry, sent - 1) : undefined;
          if (wait === undefined) {
            if (error instanceof DynamoError) Object.assign(error, { attempts: sent, maybeApplied });
            const isUnknown = !options.reads && maybeApplied;
            // The last attempt may be refused, as for expired credentials, after an earlier one was applied.
            if (outcome === 'answered' && (!isUnknown || handledRefusals.has((error as Error).name))) throw error;
            throw storeError(error, isUnknown, throttled);
          }
          lastRetry = retry;
          await delay(wait);
        }
      }
    },
    destroy: () => access.close(),
  };
}

function storeError(error: unknown, maybeApplied: boolean, throttled: boolean): StoreError {
  const reason = throttled ? 'throttled' : error instanceof DeadlinePassed ? 'late' : undefined;
  return new StoreError(`DynamoDB did not do as asked: ${describe(error)}`, maybeApplied ? 'unknown' : 'no', error, reason);
}

function observe(clock: CorrectedClock, answer: HttpAnswer, sent: number): void {
  const date = dateOf(answer);
  if (date !== undefined) clock.observe({ date, sent, received: clock.local() });
}
