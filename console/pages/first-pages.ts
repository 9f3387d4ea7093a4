/** The first pages of a list, as many as a page of the console shows: "Show more" asks for one more. */
import type { Pages } from '../../sdk/calls/pages.ts';

export async function firstPages<Item>(list: Pages<Item>, count: number): Promise<{ items: Item[]; more: boolean }> {
  const items: Item[] = [];
  let read = 0;
  for await (const page of list.pages()) {
    items.push(...page.items);
    // A count that is no number, in an address that a person wrote, is one page.
    if (!(++read < count)) return { items, more: page.cursor !== undefined };
  }
  return { items, more: false };
}
