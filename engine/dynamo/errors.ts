/**
 * What went wrong with a call to DynamoDB, and what it says of the outcome. A wrong 'no' breaks invariants, because the caller
 * then assumes that nothing was written.
 */
import { isMisconfiguration, textOfThrown } from '../../contract/thrown.ts';

/** An error that DynamoDB answered. `name` is its type, such as `ConditionalCheckFailedException`. */
export class DynamoError extends Error {
  override readonly name: string;
  readonly status: number;
  /** The whole answer, with the fields of its type. */
  readonly answer: Readonly<Record<string, unknown>>;
  /** How often the request was sent. */
  attempts = 1;
  /** Whether an earlier attempt may have applied the request that is refused here. */
  maybeApplied = false;
  /** Whether the signature was refused for its time, and the clock has learned the right time from the answer. */
  clockCorrected = false;

  constructor(name: string, message: string, status: number, answer: Readonly<Record<string, unknown>>) {
    super(message);
    this.name = name;
    this.status = status;
    this.answer = answer;
  }
}

/** An answer that was damaged on its way: its checksum is wrong, or it is not JSON. */
export class DamagedAnswer extends Error {
  override readonly name = 'DamagedAnswer';
}

/** Thrown instead of an attempt that would start after the call's write deadline. */
export class DeadlinePassed extends Error {
  override readonly name = 'DeadlinePassed';
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
/** Errors of a connection that cannot be established. */
const unconnected = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

interface Thrown {
  name?: string;
  code?: string;
  /** Of errors of a connection. */
  syscall?: string;
  status?: number;
  /** Of errors of the AWS SDK. */
  $metadata?: { httpStatusCode?: number };
  $response?: { statusCode?: number };
}

/** Whether the request was not sent. A connection that had been established may fail with the same codes when its route is lost. */
function isUnconnected({ code, syscall }: Thrown): boolean {
  return code !== undefined && unconnected.has(code) && syscall !== 'read' && syscall !== 'write';
}

function statusOf({ status, $metadata, $response }: Thrown): number | undefined {
  return status ?? $metadata?.httpStatusCode ?? $response?.statusCode;
}

/**
 * The outcome of one attempt. 'no': certainly not applied. 'unknown': perhaps applied. 'answered': a final answer, and nothing
 * was written.
 */
export function outcomeOf(error: unknown): 'no' | 'unknown' | 'answered' {
  const { name } = error as Thrown;
  if (error instanceof DeadlinePassed) return 'no';
  if (error instanceof DamagedAnswer) return 'unknown';
  if (name !== undefined && refusals.has(name)) return 'no';
  if (name !== undefined && undecided.has(name)) return 'unknown';
  if (name === 'CredentialsProviderError' || isMisconfiguration(error)) return 'answered';
  if (isUnconnected(error as Thrown)) return 'no';
  const status = statusOf(error as Thrown);
  if (status === 429) return 'no';
  return status !== undefined && status >= 400 && status < 500 ? 'answered' : 'unknown';
}

export function isBusy(error: unknown): boolean {
  return busy.has((error as Thrown).name ?? '');
}

/**
 * Whether the load on a write's key caused a throttle, rather than the table or the account; `perhaps` if no reason is given:
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ThrottlingReason.html
 */
export function heatOf(error: unknown): 'hot' | 'perhaps' | undefined {
  if (!(error instanceof DynamoError)) return undefined;
  if (error.name !== 'ThrottlingException' && error.name !== 'ProvisionedThroughputExceededException') return undefined;
  const { ThrottlingReasons: reasons = [] } = error.answer as { ThrottlingReasons?: { reason?: string }[] };
  if (reasons.length === 0) return 'perhaps';
  return reasons.some(({ reason }) => reason?.endsWith('WriteKeyRangeThroughputExceeded')) ? 'hot' : undefined;
}

const retriedThrottles = new Set([...throttles, 'LimitExceededException', 'TransactionInProgressException']);
const retriedStatuses = new Set([500, 502, 503, 504]);
const retriedCodes = new Set([...unconnected, 'ECONNRESET', 'EPIPE', 'ETIMEDOUT']);

/** Whether to send the request again, and with which wait. The AWS SDK's retry mode `standard` retries the same errors. */
export function retryKindOf(error: unknown): 'throttled' | 'transient' | undefined {
  const { name = '', code = '' } = error as Thrown;
  const status = statusOf(error as Thrown) ?? 0;
  if (status === 429 || retriedThrottles.has(name)) return 'throttled';
  if (error instanceof DynamoError && error.clockCorrected) return 'transient';
  if (error instanceof DamagedAnswer || name === 'ReplicatedWriteConflictException') return 'transient';
  return retriedStatuses.has(status) || retriedCodes.has(code) ? 'transient' : undefined;
}

export function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${textOfThrown(error)}` : textOfThrown(error);
}
