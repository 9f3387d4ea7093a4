/** A program could not start. The message is one line that tells the user what to do. */
export class StartFailure extends Error {
  override readonly name = 'StartFailure';
  /** With which the process ends: 2 for options that contradict each other, or that are missing. */
  readonly exitCode: number;

  constructor(message: string, { exitCode = 1, ...options }: ErrorOptions & { exitCode?: 1 | 2 } = {}) {
    super(message, options);
    this.exitCode = exitCode;
  }

  /** By its name: in the package, the servers and the programs that start them are bundles of their own. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'StartFailure';
  }
}

/** Prints a StartFailure in one line, and lets the process end with its code. */
export async function reportStartFailure(program: Promise<unknown>): Promise<void> {
  try {
    await program;
  } catch (error) {
    if (!(error instanceof StartFailure)) throw error;
    console.error(error.message);
    process.exitCode = error.exitCode;
  }
}
