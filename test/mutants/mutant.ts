/** A small mistake that a change could make. `find` must be in the file exactly once. */
export interface Mutant {
  name: string;
  file: string;
  find: string;
  replace: string;
  /**
   * Tests that must catch it, if the simulation cannot or catches it in only one of thousands of histories. They run before the
   * simulation.
   */
  tests?: string[];
}

/** The source of the mutant's file with the mistake in it. Throws if the mutant does not fit. */
export function mutatedSource({ name, file, find, replace }: Mutant, source: string): string {
  const places = source.split(find).length - 1;
  if (places !== 1) throw new Error(`the mutant "${name}" does not fit: ${file} has its text ${places} times`);
  return source.replace(find, () => replace);
}
