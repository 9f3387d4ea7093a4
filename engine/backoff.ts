/** How long a message waits before its next try. */
import type { Backoff } from '../sdk/contract.ts';
import type { Random } from './port.ts';

/** Milliseconds after the failure of this number (1 for the first): exponential, capped, less a random share of `jitter`. */
export function backoffMs(backoff: Backoff, failures: number, random: Random): number {
  const exponent = Math.max(0, failures - 1);
  const seconds = Math.min(backoff.maxSeconds, backoff.minSeconds * backoff.factor ** exponent);
  return Math.round(seconds * 1000 * (1 - backoff.jitter * random.number()));
}
