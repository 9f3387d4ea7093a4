/** Randomness: from the system in production, repeatable from a seed in tests. */
import { randomFillSync } from 'node:crypto';
import type { Random } from './port.ts';

/** Crockford's base 32 in lower case, in the order of character codes: https://www.crockford.com/base32.html */
export const base32 = '0123456789abcdefghjkmnpqrstvwxyz';

/** One request to the system costs as much as a thousand bytes of it, so bytes are requested in advance. */
const pooledBytes = 4096;

/** Random numbers and characters from the system's cryptographic source. */
export function createRandom(): Random {
  const pool = Buffer.alloc(pooledBytes);
  let used = pooledBytes;

  /** The position in the pool of `count` bytes that were never returned before. */
  function take(count: number): number {
    if (used + count > pooledBytes) {
      randomFillSync(pool);
      used = 0;
    }
    used += count;
    return used - count;
  }

  return {
    chars(count) {
      let text = '';
      // 256 is a multiple of 32, so all characters are equally likely.
      for (let at = take(count), end = at + count; at < end; at++) text += base32[pool[at]! % base32.length];
      return text;
    },
    number: () => pool.readUIntBE(take(6), 6) / 2 ** 48,
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
