/** A table of cases that is computed. Throws if it is empty, because a loop over it would test nothing. */
export function cases<T>(table: readonly T[]): readonly T[] {
  if (table.length === 0) throw new Error('The table of cases is empty.');
  return table;
}
