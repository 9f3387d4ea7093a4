/** A command that failed. The message is one line for the user; the process ends with 1. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
}
