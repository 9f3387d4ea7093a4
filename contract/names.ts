/** Checks the names of options, so that a misspelt option is an error instead of being ignored. */

/** Each name that an object may have. The compiler checks it against the type. */
export type Names<Options> = { readonly [Name in keyof Required<Options>]: true };

/** Throws TypeError for an option that does not exist, and names the nearest one that does. */
export function checkNames(what: string, given: object, known: object): void {
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(known, name)) continue;
    throw new TypeError(`${what}: unknown option ${name}; the nearest is ${nearestName(name, Object.keys(known))}`);
  }
}

/** The known name that is most similar to the given one. */
export function nearestName(given: string, known: readonly string[]): string | undefined {
  return [...known].sort((a, b) => distance(given, a) - distance(given, b))[0];
}

/** Levenshtein distance, ignoring case; 0 if the known name contains the given one or the given one starts with it. */
function distance(given: string, known: string): number {
  const [from, to] = [given.toLowerCase(), known.toLowerCase()];
  if (to.includes(from) || from.startsWith(to)) return 0;
  let row = [...to].map((_, i) => i + 1);
  [...from].forEach((char, i) => {
    let [left, diagonal] = [i + 1, i];
    row = row.map((above, j) => {
      left = Math.min(left + 1, above + 1, diagonal + Number(char !== to[j]));
      diagonal = above;
      return left;
    });
  });
  return row.at(-1)!;
}
