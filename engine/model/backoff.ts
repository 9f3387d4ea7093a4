/** How long a message waits before its next delivery after a failure. */
import type { Backoff } from '../../contract/contract.ts';

/**
 * The wait in milliseconds after failure number `failures` (1 for the first): exponential, capped, and reduced by the
 * share `jitter * drawn`. `drawn` is a random number from 0 to 1.
 * A minimum of 0 means no wait at all: 0 times a factor that overflowed to Infinity would be NaN.
 */
export function backoffMs({ minSeconds, maxSeconds, factor, jitter }: Backoff, failures: number, drawn: number): number {
  if (minSeconds === 0) return 0;
  const seconds = Math.min(maxSeconds, minSeconds * factor ** Math.max(0, failures - 1));
  return Math.round(seconds * 1000 * (1 - jitter * drawn));
}
