/** A matching: what each of several is of, where more than one may be of the same. */

/**
 * Gives as many of `seekers` as can be an item each, none twice, those that come first rather than others (a transversal matroid: what is
 * matched stays so when more is). `fits` answers the items that one may have, the likeliest first.
 */
export function matched<Seeker, Item>(seekers: readonly Seeker[], fits: (seeker: Seeker) => readonly Item[]): Map<Item, Seeker> {
  const holders = new Map<Item, Seeker>();
  const find = (seeker: Seeker, asked: Set<Item>): boolean => {
    for (const item of fits(seeker)) {
      if (asked.has(item)) continue;
      asked.add(item);
      const holder = holders.get(item);
      if (holder !== undefined && !find(holder, asked)) continue;
      holders.set(item, seeker);
      return true;
    }
    return false;
  };
  for (const seeker of seekers) find(seeker, new Set());
  return holders;
}
