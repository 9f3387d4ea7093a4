/** How deep values nest. Whatever comes from a caller is checked by this before it is handled by recursion. */

/** Whether lists and objects nest deeper than this in a value; 0: it may be no list or object. Does not recurse. */
export function nestsDeeper(value: unknown, depthMax: number): boolean {
  let level = [value].filter(holdsValues);
  for (let depth = 0; level.length > 0; depth++) {
    if (depth === depthMax) return true;
    level = level.flatMap((one) => Object.values(one).filter(holdsValues));
  }
  return false;
}

function holdsValues(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
