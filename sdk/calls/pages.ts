import type { Page } from '../../contract/contract.ts';

/** One page of a list; `cursor` leads to the next, and is missing on the last. */
export interface ListPage<Item> {
  items: Item[];
  cursor?: string;
}

/** A list that is read page by page, as far as it is asked for: `for await (const item of list)`. */
export class Pages<Item> implements AsyncIterable<Item> {
  readonly #read: (cursor: string | undefined) => Promise<ListPage<Item>>;
  readonly #from: string | undefined;

  constructor(read: (cursor: string | undefined) => Promise<ListPage<Item>>, from?: string) {
    this.#read = read;
    this.#from = from;
  }

  /** The first page alone. */
  first(): Promise<ListPage<Item>> {
    return this.#read(this.#from);
  }

  /** Page by page. */
  async *pages(): AsyncGenerator<ListPage<Item>, void, undefined> {
    let cursor = this.#from;
    do {
      const page: ListPage<Item> = await this.#read(cursor);
      yield page;
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    for await (const { items } of this.pages()) yield* items;
  }

  /** All of it, in memory. */
  async all(): Promise<Item[]> {
    const all: Item[] = [];
    for await (const { items } of this.pages()) all.push(...items);
    return all;
  }
}

/** A list, from the page that `input` names on. `read` answers the items of a page and where the next begins. */
export function pagesOf<Input extends Page, Item>(
  { cursor: from, ...rest }: Input,
  read: (page: Input) => Promise<[items: Item[], next: string | undefined]>,
): Pages<Item> {
  return new Pages(async (cursor) => {
    const [items, next] = await read({ ...rest, ...(cursor !== undefined && { cursor }) } as Input);
    return { items, ...(next !== undefined && { cursor: next }) };
  }, from);
}
