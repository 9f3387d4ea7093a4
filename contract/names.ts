/** The names that an object may have, each once: the compiler holds them to the type. */
export type Names<Options> = { readonly [Name in keyof Required<Options>]: true };

/** Refuses an option that does not exist: a misspelt one would be ignored without a word. Throws TypeError with the nearest that does. */
export function checkNames(what: string, given: object, known: object): void {
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(known, name)) continue;
    throw new TypeError(`${what}: unknown option ${name}; the nearest is ${nearestName(name, Object.keys(known))}`);
  }
}

/** The name that is most like the one given. */
export function nearestName(given: string, known: readonly string[]): string | undefined {
  return [...known].sort((a, b) => distance(given, a) - distance(given, b))[0];
}

/** Characters to insert, remove or replace, in any case (Levenshtein); none, where the name holds what was given, or begins it. */
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
