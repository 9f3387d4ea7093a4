/** The codes of errors of AWS, which the AWS SDK has as the name of its errors, and the calls without it as `code`. */
export function awsCodeOf(error: unknown): string | undefined {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  return [code, name].find((text): text is string => typeof text === 'string');
}
