/** Turns a thrown value into text. JavaScript can throw any value, so this file assumes nothing about it. */

const withoutText = 'a value without text was thrown';

/**
 * The message of an error, or its name, or the value as a string. Never throws, even if the value is a revoked proxy, has no
 * prototype, or has a `message`, `name` or `toString` that throws or is not text.
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

/**
 * Whether an AWS client failed because its configuration is missing or wrong: no region, or an endpoint that is not a URL.
 * Retrying does not help.
 */
export function isMisconfiguration(thrown: unknown): boolean {
  return /^Region is missing|^Invalid URL/.test(textOfThrown(thrown));
}
