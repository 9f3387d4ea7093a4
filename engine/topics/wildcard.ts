/**
 * Patterns in which `*` stands for any characters, none included. A match takes time in proportion to the text, whatever the
 * pattern: no step is repeated for another way to place a `*`.
 */

/** The fixed texts between the `*` of a pattern. Throws Error for a pattern that is not valid. */
export function wildcardParts(pattern: string): string[] {
  const parts = [''];
  for (let at = 0; at < pattern.length; at++) {
    let char = pattern[at] as string;
    if (char === '*') {
      if (pattern[at + 1] === '*') throw new Error('must not contain two `*` in a row');
      parts.push('');
      continue;
    }
    if (char === '\\') {
      char = pattern[++at] ?? '';
      if (char !== '*' && char !== '\\') throw new Error('must have `*` or `\\` after each `\\`');
    }
    parts[parts.length - 1] += char;
  }
  return parts;
}

/** Throws Error for a pattern that is not valid. */
export function compileWildcard(pattern: string): (text: string) => boolean {
  const parts = wildcardParts(pattern);
  if (parts.length === 1) return (text) => text === parts[0];
  const [first, last] = [parts[0] as string, parts.at(-1) as string];
  // The leftmost place of each part leaves the most room for those that follow it, so no other place needs to be tried.
  const inner = parts.slice(1, -1).map(finderOf);
  return (text) => {
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    let at = first.length;
    for (const find of inner) {
      at = find(text, at);
      if (at < 0) return false;
    }
    return at <= text.length - last.length;
  };
}

/** The position after the first occurrence of a text from a position on; -1 if there is none. */
type Finder = (text: string, from: number) => number;

/** `indexOf` may compare each character as often as the part is long, so it is for short parts. */
const shortPartMax = 32;

function finderOf(part: string): Finder {
  if (part.length > shortPartMax) return linearFinder(part);
  return (text, from) => {
    const found = text.indexOf(part, from);
    return found < 0 ? -1 : found + part.length;
  };
}

/** Finds a text with at most two steps for each character that it looks at (Knuth, Morris and Pratt). */
export function linearFinder(part: string): (text: Pick<string, 'length' | 'charCodeAt'>, from: number) => number {
  const codes = Uint16Array.from({ length: part.length }, (_, index) => part.charCodeAt(index));
  const borders = new Uint32Array(codes.length);
  let border = 0;
  for (let at = 1; at < codes.length; at++) {
    while (border > 0 && codes[at] !== codes[border]) border = borders[border - 1] as number;
    if (codes[at] === codes[border]) border++;
    borders[at] = border;
  }
  return (text, from) => {
    let matched = 0;
    for (let at = from; at < text.length; at++) {
      const code = text.charCodeAt(at);
      while (matched > 0 && code !== codes[matched]) matched = borders[matched - 1] as number;
      if (code === codes[matched]) matched++;
      if (matched === codes.length) return at + 1;
    }
    return -1;
  };
}
