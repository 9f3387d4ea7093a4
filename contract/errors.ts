/** The error codes of the queue, and the error class that carries one. Every client bundles this file: texts are in error-meanings.ts. */

export interface ErrorTerms {
  /** HTTP status. */
  status: number;
  /** Whether the same call may succeed later, unchanged. */
  retryable: boolean;
}

const final = (status: number): ErrorTerms => ({ status, retryable: false });
const transient = (status: number): ErrorTerms => ({ status, retryable: true });

/**
 * The closed table of error codes. HTTP returns them as problem+json (RFC 9457) with `code`. Results of a batch carry `code`
 * and `message`. The SDK throws `DumbwaiterError`.
 */
export const errors = {
  invalid_input: final(400),
  invalid_receipt: final(400),
  unauthorized: final(401),
  forbidden: final(403),
  not_found: final(404),
  queue_not_found: final(404),
  message_not_found: final(404),
  task_not_found: final(404),
  schedule_not_found: final(404),
  topic_not_found: final(404),
  subscription_not_found: final(404),
  publication_not_found: final(404),
  key_not_found: final(404),
  target_not_found: final(404),
  method_not_allowed: final(405),
  request_timeout: transient(408),
  queue_exists: final(409),
  queue_in_use: final(409),
  topic_exists: final(409),
  topic_in_use: final(409),
  subscription_exists: final(409),
  message_leased: final(409),
  message_prepared: final(409),
  message_committed: final(409),
  message_rolled_back: final(409),
  cancelled: final(409),
  message_dead: final(409),
  message_exists: final(409),
  lease_lost: final(409),
  call_timeout: final(504),
  payload_too_large: final(413),
  unsupported_media_type: final(415),
  throttled: transient(429),
  headers_too_large: final(431),
  internal: final(500),
  unavailable: transient(503),
  clock_skewed: transient(503),
} satisfies Record<string, ErrorTerms>;

export type ErrorCode = keyof typeof errors;

/** The error of one call or of one entry of a batch. */
export class DumbwaiterError extends Error {
  /** Errors of another copy of this class count too: a program may load the package as ES modules and by `require`. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'DumbwaiterError';
  }

  override readonly name = 'DumbwaiterError';
  readonly code: ErrorCode;
  /** The id to search for in the server's logs; undefined when the server sent none. */
  readonly requestId: string | undefined;
  /** How long the server asks the caller to wait before a retry, in milliseconds; undefined when it did not say. */
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

/** The error of a call whose input is wrong. The message begins with the name of the field. */
export function invalidInput(message: string, more?: { cause?: unknown }): DumbwaiterError {
  return new DumbwaiterError('invalid_input', message, more);
}
