/** Randomness: from the system in production, repeatable from a seed in tests. */
import { randomBytes } from 'node:crypto';
import type { Random } from './port.ts';

/** Crockford's base 32 in lower case, in the order of character codes: https://www.crockford.com/base32.html */
export const base32 = '0123456789abcdefghjkmnpqrstvwxyz';

/** Random numbers and characters from the system's cryptographic source. */
export function createRandom(): Random {
  return {
    // 256 is a multiple of 32, so all characters are equally likely.
    chars: (count) => Array.from(randomBytes(count), (byte) => base32[byte % base32.length]).join(''),
    number: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
  };
}

/** The same seed gives the same sequence; guessable. Mulberry32: https://github.com/bryc/code/blob/master/jshash/PRNGs.md */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  function number(): number {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  return {
    chars: (count) => Array.from({ length: count }, () => base32[Math.floor(number() * base32.length)]).join(''),
    number,
  };
}
