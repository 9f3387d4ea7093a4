/** A small slip that somebody could make: `find` must be in the file exactly once. */
export interface Mutant {
  name: string;
  file: string;
  find: string;
  replace: string;
  /** Tests that must catch it, where no caller of an honest history can, or only one in thousands does. They are tried before the simulation. */
  tests?: string[];
}

/** The source of its file with the slip made. */
export function slipped({ name, file, find, replace }: Mutant, source: string): string {
  const places = source.split(find).length - 1;
  if (places !== 1) throw new Error(`the mutant "${name}" does not fit: ${file} has its text ${places} times`);
  return source.replace(find, () => replace);
}
