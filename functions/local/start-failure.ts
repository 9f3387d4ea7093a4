/** Why a program could not start, in a line that its user can act on. */
export class StartFailure extends Error {
  override readonly name = 'StartFailure';
}
