/**
 * Creates the AWS client of the store, and wraps each attempt that it makes: the write deadline, clock correction and
 * throttling. Errors are classified in `judge`: a wrong 'no' there breaks invariants, because the caller then assumes that
 * nothing was written.
 */
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { isMisconfiguration, textOfThrown } from '../../contract/thrown.ts';
import { StoreError } from '../port/port.ts';
import type { CorrectedClock } from './corrected-clock.ts';

const connectionMsMax = 1_000;
const requestMsMax = 5_000;
const attemptsMax = 4;
const socketsMax = 256;

export interface DynamoClientOptions extends Pick<DynamoDBClientConfig, 'endpoint' | 'region' | 'credentials'> {
  /** Attempts of one call, including the first. */
  attempts?: number;
}

/**
 * Creates a client that keeps its connections open and times out on a silent one. It retries briefly; the caller handles longer
 * waits.
 */
export function createDynamoClient({ attempts = attemptsMax, ...config }: DynamoClientOptions = {}): DynamoDBClient {
  const client = new DynamoDBClient({
    ...config,
    maxAttempts: attempts,
    retryMode: 'standard',
    // The middlewares below belong to the client, never to a command, so each command's stack can be built once.
    cacheMiddleware: true,
    requestHandler: {
      connectionTimeout: connectionMsMax,
      requestTimeout: requestMsMax,
      throwOnRequestTimeout: true,
      httpAgent: { keepAlive: true, maxSockets: socketsMax },
      httpsAgent: { keepAlive: true, maxSockets: socketsMax },
    },
  });
  // The logger copies each input and output, and no log uses them.
  client.middlewareStack.remove('loggerMiddleware');
  return client;
}

/** One call of the store. The AWS client may make several attempts for it. */
interface Call {
  clock: CorrectedClock;
  by: number | undefined;
  /** Called for each attempt that was throttled because its key is hot, or may be. */
  onHotKey: ((isProven: boolean) => void) | undefined;
  /** Whether an attempt ended without an answer that tells its outcome. */
  maybeApplied: boolean;
  /** Whether an attempt was throttled. */
  throttled: boolean;
}

/** Thrown instead of an attempt that would start after the call's write deadline. */
class FencePassed extends Error {
  override readonly name = 'FencePassed';
}

const calls = new WeakMap<object, Call>();
/** Refusals of requests that an earlier attempt may have applied. */
const maybeApplied = new WeakSet<object>();
const watched = new WeakSet<DynamoDBClient>();

/**
 * Sends one request. Rejects with StoreError when the store did not do as asked. Rejects with the AWS client's own error for
 * refusals that the caller handles (a failed condition) and for defects (ValidationException, AccessDenied).
 */
export async function sendCall<Output>(
  client: DynamoDBClient,
  input: object,
  send: () => Promise<Output>,
  {
    clock,
    by,
    onHotKey,
    reads = false,
  }: { clock: CorrectedClock; by?: number | undefined; onHotKey?: (isProven: boolean) => void; reads?: boolean },
): Promise<Output> {
  watch(client);
  const call: Call = { clock, by, onHotKey, maybeApplied: false, throttled: false };
  calls.set(input, call);
  try {
    return await send();
  } catch (error) {
    if (classify(error) === 'answered') {
      if (call.maybeApplied) maybeApplied.add(error as object);
      throw error;
    }
    const applied = !reads && call.maybeApplied ? 'unknown' : 'no';
    throw new StoreError(
      `DynamoDB did not do as asked: ${describe(error)}`,
      applied,
      error,
      call.throttled ? 'throttled' : error instanceof FencePassed ? 'late' : undefined,
    );
  }
}

/** Whether an earlier attempt may have applied the refused request. */
export function isUnsure(refusal: object): boolean {
  return maybeApplied.has(refusal);
}

function watch(client: DynamoDBClient): void {
  if (watched.has(client)) return;
  watched.add(client);
  client.middlewareStack.add(
    (next) => async (args) => {
      const call = calls.get(args.input);
      if (call?.by !== undefined && call.clock.now() > call.by) {
        throw new FencePassed('the time in which the write was safe has passed');
      }
      try {
        return await next(args);
      } catch (error) {
        if (call !== undefined && classify(error) === 'unknown') call.maybeApplied = true;
        if (call !== undefined && busy.has((error as { name: string }).name)) call.throttled = true;
        const heat = call?.onHotKey && heatOf(error);
        if (heat) call.onHotKey!(heat === 'hot');
        throw error;
      }
    },
    // Runs for each attempt of the AWS client, after signing: a request that passes the deadline check was signed before the
    // deadline.
    { name: 'dumbwaiterFence', step: 'finalizeRequest', priority: 'low' },
  );
  client.middlewareStack.add(
    (next) => async (args) => {
      const call = calls.get(args.input);
      if (call === undefined) return next(args);
      const sent = call.clock.local();
      const answer = await next(args);
      const date = dateOf(answer.response);
      if (date !== undefined) call.clock.observe({ date, sent, received: call.clock.local() });
      return answer;
    },
    // Runs inside the deserializer, so that it also sees answers that become errors.
    { name: 'dumbwaiterClock', step: 'deserialize', priority: 'low' },
  );
}

function dateOf(response: unknown): number | undefined {
  const headers = (response as { headers?: Record<string, string> }).headers;
  const date = Date.parse(headers?.date ?? '');
  return Number.isNaN(date) ? undefined : date;
}

const throttles = new Set(['ThrottlingException', 'ProvisionedThroughputExceededException', 'RequestLimitExceeded']);
/**
 * Errors that may pass soon, in which nothing was written. In a conflict, another transaction, perhaps a caller's own, has the
 * row for some milliseconds.
 */
const busy = new Set([...throttles, 'TransactionConflictException']);
/** All errors after which certainly nothing was written. */
const refusals = new Set([
  ...throttles,
  'LimitExceededException',
  'TransactionConflictException',
  'ReplicatedWriteConflictException',
]);
/** Errors whose outcome is unknown, such as a transaction whose earlier attempt is still in progress. */
const undecided = new Set(['TransactionInProgressException', 'InternalServerError', 'ServiceUnavailable']);
/** Errors of a connection that was never established, so the request was not sent. */
const unconnected = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

/**
 * The outcome of one attempt. 'no': certainly not applied. 'unknown': perhaps applied. 'answered': a final answer, and nothing
 * was written.
 */
function classify(error: unknown): 'no' | 'unknown' | 'answered' {
  const { name, code, $metadata, $response } = error as {
    name?: string;
    code?: string;
    $metadata?: { httpStatusCode?: number };
    $response?: { statusCode?: number };
  };
  if (error instanceof FencePassed) return 'no';
  if (name !== undefined && refusals.has(name)) return 'no';
  if (name !== undefined && undecided.has(name)) return 'unknown';
  if (name === 'CredentialsProviderError' || isMisconfiguration(error)) return 'answered';
  if (code !== undefined && unconnected.has(code)) return 'no';
  const status = $metadata?.httpStatusCode ?? $response?.statusCode;
  if (status === 429) return 'no';
  return status !== undefined && status >= 400 && status < 500 ? 'answered' : 'unknown';
}

/**
 * Whether the load on a write's key caused a throttle, rather than the table or the account; `perhaps` if no reason is given:
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ThrottlingReason.html
 */
function heatOf(error: unknown): 'hot' | 'perhaps' | undefined {
  const { name, ThrottlingReasons: reasons = [] } = error as { name?: string; ThrottlingReasons?: { reason?: string }[] };
  if (name !== 'ThrottlingException' && name !== 'ProvisionedThroughputExceededException') return undefined;
  if (reasons.length === 0) return 'perhaps';
  return reasons.some(({ reason }) => reason?.endsWith('WriteKeyRangeThroughputExceeded')) ? 'hot' : undefined;
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${textOfThrown(error)}` : textOfThrown(error);
}
