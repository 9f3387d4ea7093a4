/** A command that failed. The message is one line for the user; the process ends with the code. */
export class CommandFailure extends Error {
  override readonly name: string = 'CommandFailure';
  readonly exitCode: number = 1;
}

/** A command that was called wrongly, whatever the deployment holds. */
export class WrongCall extends CommandFailure {
  override readonly name = 'WrongCall';
  override readonly exitCode = 2;
}
