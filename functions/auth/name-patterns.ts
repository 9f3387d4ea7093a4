/** Decides which queues and topics an API key covers. In a pattern, `*` matches any number of characters, including none. */

/** Takes at most pattern length times name length steps. A regular expression with many `.*` could take far more. */
function matches(pattern: string, name: string): boolean {
  let p = 0;
  let n = 0;
  let star = -1;
  let resume = 0;
  while (n < name.length) {
    if (pattern[p] === '*') {
      star = p++;
      resume = n;
    } else if (pattern[p] === name[n]) {
      p++;
      n++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++resume;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

export function covers(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => matches(pattern, name));
}

export function coversAll(patterns: readonly string[]): boolean {
  return patterns.some((pattern) => /^\*+$/.test(pattern));
}
