/** How long a message waits before its next try. */
import type { Backoff } from '../../contract/contract.ts';

/**
 * Milliseconds after the failure of this number (1 for the first): exponential, capped, less the share `jitter` times `drawn`, a random number
 * from 0 to 1. Without a wait at the beginning there is none later: 0 times a factor that has overflowed would be no number.
 */
export function backoffMs({ minSeconds, maxSeconds, factor, jitter }: Backoff, failures: number, drawn: number): number {
  if (minSeconds === 0) return 0;
  const seconds = Math.min(maxSeconds, minSeconds * factor ** Math.max(0, failures - 1));
  return Math.round(seconds * 1000 * (1 - jitter * drawn));
}
