/**
 * Thrown by a handler for a message that no further try can help: the message goes to the dead-letter queue at once, with the reason
 * `rejected` and this error's message as the text. In a queue without dead-letter queue it is a failure like any other.
 */
export class Reject extends Error {
  override readonly name = 'Reject';
}

/** Whether what a handler threw is one. Anything can be thrown: a proxy that was revoked throws when it is asked what it is. */
export function isRejection(thrown: unknown): boolean {
  try {
    return thrown instanceof Reject;
  } catch {
    return false;
  }
}
