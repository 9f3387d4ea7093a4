/** Reads all pages of a list. */
export async function* allOf<Entry>(
  read: (cursor: { cursor?: string }) => Promise<{ entries: readonly Entry[]; cursor?: string | undefined }>,
): AsyncGenerator<Entry> {
  let cursor: string | undefined;
  do {
    const page = await read(cursor === undefined ? {} : { cursor });
    yield* page.entries;
    cursor = page.cursor;
  } while (cursor !== undefined);
}
