/** A program could not start. The message is one line that tells the user what to do. */
export class StartFailure extends Error {
  override readonly name = 'StartFailure';
}
