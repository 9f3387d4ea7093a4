/** A small slip that somebody could make: `find` must be in the file exactly once. */
export interface Mutant {
  name: string;
  file: string;
  find: string;
  replace: string;
  /** Tests that must catch it, where no caller of an honest history can, or only one in thousands does. They are tried before the simulation. */
  tests?: string[];
}
