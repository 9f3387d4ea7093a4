/**
 * The closed table of refusals. HTTP answers them as problem+json (RFC 9457) with `code`; results of a batch carry
 * `code` and `message`; the SDK throws `DumbwaiterError`. `retryable`: the same call may succeed later, unchanged.
 */
export const errors = {
  invalid_input: { status: 400, retryable: false },
  invalid_receipt: { status: 400, retryable: false },
  unauthorized: { status: 401, retryable: false },
  forbidden: { status: 403, retryable: false },
  not_found: { status: 404, retryable: false },
  queue_not_found: { status: 404, retryable: false },
  message_not_found: { status: 404, retryable: false },
  task_not_found: { status: 404, retryable: false },
  schedule_not_found: { status: 404, retryable: false },
  key_not_found: { status: 404, retryable: false },
  method_not_allowed: { status: 405, retryable: false },
  request_timeout: { status: 408, retryable: true },
  queue_exists: { status: 409, retryable: false },
  queue_in_use: { status: 409, retryable: false },
  message_leased: { status: 409, retryable: false },
  message_prepared: { status: 409, retryable: false },
  message_committed: { status: 409, retryable: false },
  message_rolled_back: { status: 409, retryable: false },
  cancelled: { status: 409, retryable: false },
  message_dead: { status: 409, retryable: false },
  message_exists: { status: 409, retryable: false },
  lease_lost: { status: 409, retryable: false },
  call_timeout: { status: 504, retryable: false },
  payload_too_large: { status: 413, retryable: false },
  unsupported_media_type: { status: 415, retryable: false },
  throttled: { status: 429, retryable: true },
  internal: { status: 500, retryable: false },
  unavailable: { status: 503, retryable: true },
  clock_skewed: { status: 503, retryable: true },
} as const satisfies Record<string, { status: number; retryable: boolean }>;

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
