/** A matching: what each of several is of, where more than one may be of the same. */

/**
 * Gives as many of `seekers` as can be an item each, none twice, those that come first rather than others (a transversal matroid: what is
 * matched stays so when more is). `fits` answers the items that one may have, the likeliest first.
 */
export function matched<Seeker, Item>(seekers: readonly Seeker[], fits: (seeker: Seeker) => readonly Item[]): Map<Item, Seeker> {
  const holders = new Map<Item, Seeker>();
  const find = (seeker: Seeker, asked: Set<Item>): boolean => {
    const items = fits(seeker);
    // Nobody gives up what is likeliest his where another item is free.
    const found =
      items.find((item) => !holders.has(item)) ??
      items.find((item) => {
        if (asked.has(item)) return false;
        asked.add(item);
        return find(holders.get(item)!, asked);
      });
    if (found !== undefined) holders.set(found, seeker);
    return found !== undefined;
  };
  for (const seeker of seekers) find(seeker, new Set());
  return holders;
}
