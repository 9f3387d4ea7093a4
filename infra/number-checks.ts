/** Checks numbers of the construct's options. CloudFormation would refuse them only at deployment. */
import { Token } from 'aws-cdk-lib';

/** Throws an error that names the option by its path, its limits and what was given. A number that is known only at deployment passes. */
export function checkWholeNumber(path: string, value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): void {
  if (Token.isUnresolved(value)) return;
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return;
  const limits = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new Error(
    `${path}: must be a whole number ${limits}; it is ${typeof value === 'number' ? value : JSON.stringify(value)}`,
  );
}
