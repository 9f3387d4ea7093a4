/** A command that failed. The message is one line for the user. The process ends with `exitCode`. */
export class CommandFailure extends Error {
  override readonly name: string = 'CommandFailure';
  readonly exitCode: number = 1;
}

/** The exit code of a command that was called wrongly. */
export const usageExitCode = 2;

/** A command that was called wrongly: it would fail on every deployment. */
export class UsageError extends CommandFailure {
  override readonly name = 'UsageError';
  override readonly exitCode = usageExitCode;
}
