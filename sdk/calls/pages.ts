/** Lists that span several pages. */
import type { Page } from '../../contract/contract.ts';

/** One page of a list. `cursor` leads to the next page, and is missing on the last one. */
export interface ListPage<Item> {
  items: Item[];
  cursor?: string;
}

/** A list that is read page by page, only as far as needed: `for await (const item of list)`. */
export class Pages<Item> implements AsyncIterable<Item> {
  readonly #read: (cursor: string | undefined) => Promise<ListPage<Item>>;
  readonly #from: string | undefined;

  constructor(read: (cursor: string | undefined) => Promise<ListPage<Item>>, from?: string) {
    this.#read = read;
    this.#from = from;
  }

  /** Reads only the first page. */
  first(): Promise<ListPage<Item>> {
    return this.#read(this.#from);
  }

  /** Reads page by page. */
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

  /** Reads the whole list into memory. */
  async all(): Promise<Item[]> {
    const all: Item[] = [];
    for await (const { items } of this.pages()) all.push(...items);
    return all;
  }
}

/** A list that starts at the page that `input` names. `read` answers a page, and `itemsOf` takes its items. */
export function pagesOf<Input extends Page, Answer extends { cursor?: string }, Item>(
  { cursor: from, ...rest }: Input,
  read: (page: Input) => Promise<Answer>,
  itemsOf: (answer: Answer) => Item[],
): Pages<Item> {
  return new Pages(async (cursor) => {
    const answer = await read({ ...rest, ...(cursor !== undefined && { cursor }) } as Input);
    return { items: itemsOf(answer), ...(answer.cursor !== undefined && { cursor: answer.cursor }) };
  }, from);
}
