/** Reads a whole range, however many answers that takes. */
import type { Range, Row, Store } from './port.ts';

/** The rows of each answer, in order. Stop iterating to read no further. */
export async function* pagesOf(store: Pick<Store, 'range'>, range: Range): AsyncGenerator<Row[]> {
  let next: Row | undefined;
  do {
    const page = await store.range(next ? { ...range, after: next } : range);
    yield page.rows;
    next = page.next;
  } while (next);
}
