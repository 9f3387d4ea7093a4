/**
 * The closed table of refusals. HTTP answers them as problem+json (RFC 9457) with `code`; results of a batch carry
 * `code` and `message`; the SDK throws `DumbwaiterError`. `retryable`: the same call may succeed later, unchanged.
 */
export const errors = {
  invalid_input: { status: 400, retryable: false, meaning: 'A field is missing, of the wrong type or over its limit.' },
  invalid_receipt: { status: 400, retryable: false, meaning: 'The receipt is not one that this queue gave.' },
  unauthorized: { status: 401, retryable: false, meaning: 'The API key is missing, unknown or revoked.' },
  forbidden: { status: 403, retryable: false, meaning: "The API key's scopes or queues do not cover this call." },
  not_found: { status: 404, retryable: false, meaning: 'There is no such path.' },
  queue_not_found: { status: 404, retryable: false, meaning: 'There is no queue of this name.' },
  message_not_found: { status: 404, retryable: false, meaning: 'There is no message of this id in this queue.' },
  task_not_found: { status: 404, retryable: false, meaning: 'There is no redrive task of this id on this queue.' },
  schedule_not_found: { status: 404, retryable: false, meaning: 'There is no schedule of this name.' },
  key_not_found: { status: 404, retryable: false, meaning: 'There is no API key of this id.' },
  method_not_allowed: { status: 405, retryable: false, meaning: 'The path exists, but not with this method.' },
  request_timeout: { status: 408, retryable: true, meaning: 'The request did not arrive whole in time.' },
  queue_exists: { status: 409, retryable: false, meaning: 'The queue exists with other settings.' },
  queue_in_use: { status: 409, retryable: false, meaning: 'Another queue names this one as its dead-letter queue.' },
  message_leased: {
    status: 409,
    retryable: false,
    meaning: 'The message is leased: only what waits is changed, and only force cancels what is leased.',
  },
  message_prepared: { status: 409, retryable: false, meaning: 'The message is prepared: it can be committed or rolled back.' },
  message_committed: { status: 409, retryable: false, meaning: 'The message is committed, and cannot be rolled back any more.' },
  message_rolled_back: {
    status: 409,
    retryable: false,
    meaning: 'The message was rolled back or cancelled, and cannot be committed.',
  },
  cancelled: { status: 409, retryable: false, meaning: 'The message was cancelled: while it was leased, or called for.' },
  message_dead: {
    status: 409,
    retryable: false,
    meaning: 'The message that was called was given up: dead-lettered, or too old. Only the SDK says this.',
  },
  message_exists: {
    status: 409,
    retryable: false,
    meaning:
      'A transaction was to publish a message under an id that a message in the queue has, had within the hour, or that is kept.',
  },
  lease_lost: {
    status: 409,
    retryable: false,
    meaning: 'The lease ended and the message was taken by another, released or removed.',
  },
  call_timeout: {
    status: 504,
    retryable: false,
    meaning: 'The message that was called had no result in time. Only the SDK says this.',
  },
  payload_too_large: { status: 413, retryable: false, meaning: 'The request is larger than one call may carry.' },
  unsupported_media_type: { status: 415, retryable: false, meaning: 'The request body is not application/json.' },
  throttled: { status: 429, retryable: true, meaning: 'Too many requests; try again after the time given in Retry-After.' },
  internal: { status: 500, retryable: false, meaning: 'A defect of the queue. The request id finds it in the logs.' },
  unavailable: {
    status: 503,
    retryable: true,
    meaning: 'The store did not answer in time. A publish may or may not have been stored.',
  },
  clock_skewed: { status: 503, retryable: true, meaning: 'The clock of the process that served the call is off.' },
} as const satisfies Record<string, { status: number; retryable: boolean; meaning: string }>;

export type ErrorCode = keyof typeof errors;

/** A refusal of one call or of one entry of a batch. */
export class DumbwaiterError extends Error {
  override readonly name = 'DumbwaiterError';
  readonly code: ErrorCode;
  /** Finds the call in the server's logs. */
  readonly requestId: string | undefined;
  /** What the server asked to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, more: { requestId?: string; retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.requestId = more.requestId;
    this.retryAfterMs = more.retryAfterMs;
  }

  /** HTTP status of this code. */
  get status(): number {
    return errors[this.code].status;
  }

  /** Whether the same call may succeed later, unchanged. */
  get retryable(): boolean {
    return errors[this.code].retryable;
  }
}
