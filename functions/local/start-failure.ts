/** A program could not start. The message is one line that tells the user what to do. */
export class StartFailure extends Error {
  override readonly name = 'StartFailure';

  /** By its name: in the package, the servers and the programs that start them are bundles of their own. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'StartFailure';
  }
}

/** Prints a StartFailure in one line, and lets the process end with 1. */
export async function reportStartFailure(program: Promise<unknown>): Promise<void> {
  try {
    await program;
  } catch (error) {
    if (!(error instanceof StartFailure)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
