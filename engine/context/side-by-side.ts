/** Many pieces of work, a bounded number of them at a time. */

/** Runs each of them, `width` at a time, until `isOver`; answers those that were not begun. */
export async function sideBySide<Piece>(
  pieces: readonly Piece[],
  width: number,
  isOver: () => boolean,
  run: (piece: Piece) => Promise<void>,
): Promise<Piece[]> {
  const left = [...pieces].reverse();
  await Promise.all(
    Array.from({ length: Math.min(width, left.length) }, async () => {
      while (left.length > 0 && !isOver()) await run(left.pop()!);
    }),
  );
  return left.reverse();
}
