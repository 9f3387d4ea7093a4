/** Matches deliveries to publishes where several may fit. */

/**
 * Assigns an item to as many seekers as possible, each item once, and prefers earlier seekers (a transversal matroid: a matched seeker stays
 * matched). `fits` returns the items that a seeker may have, the likeliest first.
 */
export function matched<Seeker, Item>(seekers: readonly Seeker[], fits: (seeker: Seeker) => readonly Item[]): Map<Item, Seeker> {
  const holders = new Map<Item, Seeker>();
  const find = (seeker: Seeker, asked: Set<Item>): boolean => {
    const items = fits(seeker);
    // A seeker keeps its likeliest item while another item is free.
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
