/**
 * A handler throws this for a message that no retry can help. The message moves to the dead-letter queue at once, with the
 * reason `rejected` and this error's message as the text. In a queue without a dead-letter queue it counts as an ordinary
 * failure.
 */
export class Reject extends Error {
  override readonly name = 'Reject';
}

/** Whether a handler threw a `Reject`. A thrown value may be a revoked proxy, for which `instanceof` throws. */
export function isRejection(thrown: unknown): boolean {
  try {
    return thrown instanceof Reject;
  } catch {
    return false;
  }
}
