/** Turns a thrown value into text. JavaScript can throw anything, so nothing about the value is taken for granted. */

const withoutText = 'a value without text was thrown';

/**
 * The message of an error, or its name, or the value as a string. Never throws: a value may be a revoked proxy, have no prototype, or have a
 * `message`, a `name` or a `toString` that throws or is no text.
 */
export function textOfThrown(thrown: unknown): string {
  try {
    const { message, name } = (thrown ?? {}) as { message?: unknown; name?: unknown };
    const said = message || name;
    return (typeof said === 'string' ? said : String(thrown)) || withoutText;
  } catch {
    return withoutText;
  }
}

/** Whether an AWS client failed since it was made with something missing or wrong: no region, an endpoint that is no URL. It fails so each time. */
export function isMisconfiguration(thrown: unknown): boolean {
  return /^Region is missing|^Invalid URL/.test(textOfThrown(thrown));
}
